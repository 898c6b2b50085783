import numpy as np
import pytest

from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions


def of_steps() -> Predictions:
    """Return two sequences, of three steps and of one."""
    logits = [np.array([[2, 0], [0, 1], [3, 0]]), np.array([[0, 5]])]
    return Predictions(
        ids=np.array(["a", "b"]),
        labels=Ragged.from_rows([np.array([0, 1, 1]), np.array([1])]),
        logits=Ragged.from_rows([one.astype(np.float32) for one in logits]),
    )


def test_every_step_has_its_own_answer() -> None:
    predictions = of_steps()
    assert len(predictions) == 2
    assert predictions.predicted[0].tolist() == [0, 1, 0]
    assert predictions.predicted[1].tolist() == [1]


def test_one_class_per_example_is_told_from_other_labels() -> None:
    ids, logits = np.array(["a", "b"]), np.zeros([2, 3], np.float32)
    found = Predictions(ids, np.array([0, 2], np.int32), logits).of_classes
    assert found.predicted.tolist() == [0, 0]
    assert found.probabilities == pytest.approx(np.full([2, 3], 1 / 3))
    switches = np.zeros([2, 3], np.float32)
    assert Predictions(ids, switches, logits).of_classes is None
    assert of_steps().of_classes is None
