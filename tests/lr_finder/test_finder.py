"""Range tests of the stages of a run on the tiny network."""

import itertools
import json
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import absl.logging
import keras
import numpy as np
import pytest

from kft import errors, find_lr, tasks
from kft.cli import command
from kft.config import FindLrConfig, TrainConfig
from kft.lr_finder import finder, lr_check, lr_report, range_test, suggestions
from kft.model.network import stable_paths
from kft.training import preflight
from kft.training.monitoring.progress import SilentReporter
from tests import tiny
from tests.search.conftest import tiny_splits

STAGES = "head:4@0.1,block_3:4@0.05,all:1@0.01"


@pytest.fixture
def tiny_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run be of the tiny network."""
    monkeypatch.setattr(preflight, "check", lambda config, also=(): None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: tiny_splits())
    monkeypatch.setattr(tasks, "get", lambda config, labels: tiny.Task())


def _find(**changes) -> finder.RangeTests:
    options = {"stages": STAGES, "batch_size": 16, "steps": 40, **changes}
    return finder.find(
        FindLrConfig(**options), given=frozenset(), reporter=SilentReporter()
    )


@pytest.mark.usefixtures("tiny_data")
def test_every_stage_is_tested_where_the_one_before_leaves_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    starts, original = [], range_test.run

    def run(context, index, rates, caches):
        weights = {p: v.numpy() for p, v in stable_paths(context.network.model).items()}
        curve = original(context, index, rates, caches)
        after = stable_paths(context.network.model)
        assert all(np.array_equal(after[p].numpy(), w) for p, w in weights.items())
        epochs = [stage.epochs for stage in context.stages]
        starts.append((weights, sorted(caches), epochs))
        return curve

    monkeypatch.setattr(range_test, "run", run)
    found = _find()
    assert [test.unfreeze for test in found.tests] == ["head", "block_3", "all"]
    assert [test.rate for test in found.tests] == [0.1, 0.05, 0.01]
    moved = [
        {p.split("/")[0] for p, w in one.items() if not np.array_equal(w, other[p])}
        for (one, *_), (other, *_) in itertools.pairwise(starts)
    ]
    assert [{"logits"} <= names for names in moved] == [True, True]
    assert [{"block_3_conv"} <= names for names in moved] == [False, True]
    # Of 4, 4 and 1 epochs.
    assert starts[0][2] == [3, 3, 1]
    # The features of both trunks are stored.
    assert starts[0][1] == ["block_2_add", "pooling"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("tiny_data")
def test_a_rate_that_is_far_too_high_ends_the_test_and_is_not_suggested() -> None:
    found = _find(stage="head", stages="head:4@0.1", highest_rate=1000.0)
    (test,) = found.tests
    assert test.curve.has_diverged
    assert len(test.curve.rates) < 40
    lowest = test.curve.rates[int(np.argmin(test.curve.smoothed))]
    assert test.suggestions.best is None or test.suggestions.best < lowest


@pytest.mark.usefixtures("tiny_data")
def test_a_signal_ends_a_test_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    original = range_test.run

    def run(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(range_test, "run", run)
    with pytest.raises(errors.Interrupted, match="SIGTERM; nothing is kept"):
        _find(stage="head")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_run_is_left_to_the_run(tmp_path: Path) -> None:
    config = FindLrConfig(
        run_dir=str(tmp_path), output_dir=str(tmp_path), backbone="EfficientNetLite0"
    )
    with pytest.raises(errors.ConfigError, match="is the folder of the run"):
        lr_check.check(config)


def test_stages_of_one_name_are_all_tested() -> None:
    assert lr_check.wanted_stages(
        "all", TrainConfig(stages="head:1,all:5@1e-3,all:5@1e-4")
    ) == (1, 2)


@pytest.mark.usefixtures("tiny_data")
def test_one_stage_alone_may_be_tested_without_training_before() -> None:
    found = _find(stage="all", epochs_before=0)
    assert [test.index for test in found.tests] == [2]
    # Only the rate of the tested stage may differ.
    assert found.stages.startswith("head:4@0.1,block_3:4@0.05,all:1@")


@pytest.fixture
def _restored_logging() -> Iterator[None]:
    """Undo what a command does to the process that it has for itself."""
    logger = absl.logging.get_absl_logger()
    state = (list(logger.handlers), logger.propagate, absl.logging.get_verbosity())
    root = logging.getLogger().level
    yield
    logger.handlers[:], logger.propagate = state[:2]
    absl.logging.set_verbosity(state[2])
    logging.getLogger().setLevel(root)


@pytest.mark.usefixtures("tiny_data", "_restored_logging")
def test_the_command_writes_its_curves_beside_the_run_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [f"--stages={STAGES}", "--batch_size=16", "--steps=40", "--stage=head"]
    run = tmp_path / "run"
    flags += ["--dataset=digits", f"--run_dir={run}"]
    code = command.execute(find_lr.COMMAND, flags)
    output = capsys.readouterr().out
    assert code == 0
    assert not run.exists()
    told = json.loads((tmp_path / "run-find_lr" / "find_lr.json").read_text())
    assert output.splitlines()[-1] == f"flag    --stages={told['stages']}"
    (test,) = told["tests"]
    assert (test["stage"], test["learning_rate"]) == ("head", 0.1)
    assert len(test["rates"]) == len(test["losses"]) == len(test["smoothed"])
    image = tmp_path / "run-find_lr" / "find_lr.png"
    assert image.read_bytes().startswith(b"\x89PNG")
    assert keras.utils.img_to_array(keras.utils.load_img(image)).std() > 10


def test_mistakes_are_told_before_anything_is_loaded() -> None:
    base = {"dataset": "digits", "weights": "none", "stages": "head:1,top2:1"}
    for changes, message in (
        ({"stage": "top3"}, "--stage=top3: --stages=head:1,top2:1 has no such stage"),
        ({"lowest_rate": 1.0, "highest_rate": 0.5}, "--lowest_rate=1: expected less"),
        ({"batch_size": "auto"}, "--batch_size=auto: the best rate depends"),
        ({"dataset": "folder:p", "output_dir": "p/o"}, "--output_dir=p/o lies in"),
    ):
        with pytest.raises(errors.ConfigError, match=message):
            lr_check.check(FindLrConfig(**(base | changes)))


def test_a_stage_is_found_by_its_name() -> None:
    assert lr_check.wanted_stages(None, TrainConfig(stages=STAGES)) == (0, 1, 2)
    assert lr_check.wanted_stages("block_3", TrainConfig(stages=STAGES)) == (1,)


@pytest.mark.parametrize(
    ("losses", "seen"),
    [
        # A good network, whose loss can only rise.
        ([0.2, 0.21, 0.25, 0.4, 0.7, 0.85], 0.85),
        # A descent, and one value that would flatten it.
        ([2.3, 2.0, 1.0, 0.5, 1.2, 900.0], 2.3),
        # A loss that has fallen to nothing.
        ([1.0, 0.1, 1e-6, 1e-6], 1.0),
    ],
)
def test_the_curve_lies_in_its_panel(losses: list[float], seen: float) -> None:
    rates = tuple(10.0**k for k in range(-len(losses), 0))
    curve = suggestions.Curve(rates, tuple(losses), tuple(losses))
    test = finder.StageTest(0, "head", 1e-3, curve, suggestions.suggest(curve))
    (panel,) = lr_report.draw([test]).axes
    bottom, top = panel.get_ylim()
    assert bottom == 0
    assert seen < top < 2 * seen


def test_a_first_loss_that_is_not_finite_is_drawn_and_written(tmp_path: Path) -> None:
    curve = suggestions.Curve().add(1e-5, float("nan"))
    test = finder.StageTest(0, "head", 0.1, curve, suggestions.suggest(curve))
    found = finder.RangeTests(FindLrConfig(), (test,), "head:1@0.1")
    lr_report.write(found, tmp_path)
    (written,) = json.loads((tmp_path / lr_report.FILE).read_text())["tests"]
    assert written["diverged"] and written["losses"] == [None]
    assert (tmp_path / lr_report.CHART).is_file()
