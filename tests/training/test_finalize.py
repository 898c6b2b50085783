"""What the kept weights are worth is measured where their features are stored."""

import numpy as np
import pytest

from kft.training import finalize
from kft.training.evaluator import Evaluator
from tests import tiny

IMAGE, POOLED, MAPS = tiny.SHAPE, (4,), (6, 6, 4)
# Of a rate that no network survives.
HARM = {"clip_norm": 1.0}


@pytest.fixture
def measured_from(monkeypatch):
    """Return a list that gets the shape of what is read for each split, in order."""
    shapes = []

    class Noting(Evaluator):
        def __init__(self, task, tail, **kwargs):
            super().__init__(task, tail, **kwargs)
            self._shape = tail.inputs[0].shape[1:]

        def measure(self, *args, **kwargs):
            shapes.append(self._shape)
            return super().measure(*args, **kwargs)

        def evaluate(self, *args, **kwargs):
            shapes.append(self._shape)
            return super().evaluate(*args, **kwargs)

    monkeypatch.setattr(finalize, "Evaluator", Noting)
    return shapes


@pytest.mark.parametrize(
    ("changes", "best_stage", "validation_from"),
    [
        ({"stages": "head:2@0.1"}, "head", POOLED),
        ({"stages": "head:1@1e-6,block_3:3@0.05"}, "block_3", MAPS),
        ({"stages": "head:2@0.1,block_3:1@1e4", **HARM}, "head", POOLED),
        ({"stages": "head:2@0.1,all:1@1e4", **HARM}, "head", POOLED),
        ({"stages": "head:1@1e-6,all:3@0.05"}, "all", IMAGE),
        ({"stages": "head:2@0.1", "feature_cache": "off"}, "head", IMAGE),
        # What is stored is rounded, what is served is not.
        ({"stages": "head:2@0.1", "cache_dtype": "float16"}, "head", IMAGE),
    ],
)
def test_the_figures_are_those_of_the_whole_network(
    tiny_run, measured_from, changes, best_stage, validation_from
):
    result = tiny_run("run", **changes)
    assert result.best_stage == best_stage
    # Test examples come once, and none of theirs is stored.
    assert measured_from == [validation_from, IMAGE]
    assert result.validation["loss"] == pytest.approx(
        _loss(result.run_dir / "best.weights.h5", *tiny.pixels(37, seed=1)), abs=1e-5
    )
    assert result.test["loss"] == pytest.approx(
        _loss(result.run_dir / "best.weights.h5", *tiny.pixels(11, seed=2)), abs=1e-5
    )


def _loss(weights, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross entropy of a new network with these weights."""
    model = tiny.Task(dropout=0.3).network().model
    model.load_weights(weights)
    logits = np.asarray(model(images, training=False), np.float64)
    scale = np.log(np.exp(logits).sum(axis=1))
    return float((scale - logits[np.arange(len(labels)), labels]).mean())
