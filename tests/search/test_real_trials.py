"""Trials that really train: what they share, and how they end."""

import json

import numpy as np
import pytest

from kft.search import pruning
from kft.training.feature_cache import trunk_pass


@pytest.fixture
def passes(monkeypatch):
    """Return a list that gets an entry for each pass of a split through a trunk."""
    seen = []
    run = trunk_pass.TrunkPass.run

    def counting(self, examples, *, view, training):
        seen.append("train" if training else "validation")
        return run(self, examples, view=view, training=training)

    monkeypatch.setattr(trunk_pass.TrunkPass, "run", counting)
    return seen


@pytest.mark.slow
def test_trials_share_one_pass_of_the_trunk_and_end_as_they_deserve(
    search_tiny, passes, monkeypatch
):
    monkeypatch.setattr(pruning, "MIN_FINISHED", 1)
    outcome = search_tiny(
        tuner="grid", trials=None, space="learning_rate=choice:1e38|0.7|1e-9"
    )
    wild, good, hopeless = outcome.records
    assert passes == ["train", "validation"]
    assert good.status == "finished" and good.epochs == 3
    assert (hopeless.status, hopeless.epochs) == ("pruned", 1)
    assert hopeless.validation["accuracy"] < good.validation["accuracy"]
    assert wild.status == "failed" and "not finite" in wild.message
    # Only what can still be of use stays.
    assert not list(outcome.search.trials.glob("*/checkpoints"))
    result = json.loads((outcome.search.trial(1) / "result.json").read_text())
    assert result["val_accuracy"] == good.validation["accuracy"]
    assert result["test_accuracy"] == good.test["accuracy"]
    assert _hparams(outcome.search.trial(1) / "tensorboard") == {"learning_rate": "0.7"}


def _hparams(folder) -> dict[str, str]:
    """Return the settings that TensorBoard finds in a folder of event files."""
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.plugins.hparams import metadata

    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    tags = events.PluginTagToContent(metadata.PLUGIN_NAME)
    content = tags[metadata.SESSION_START_INFO_TAG]
    found = metadata.parse_session_start_info_plugin_data(content).hparams
    assert np.isclose(events.Tensors("best_val_accuracy")[-1].step, 3)
    return {name: value.string_value for name, value in found.items()}
