"""Precision, recall and F1 against scikit-learn, and where there is nothing."""

import numpy as np
import pytest
import sklearn.metrics

from kft.metrics import f1_score


def test_counts_give_what_scikit_learn_gives() -> None:
    rng = np.random.default_rng(0)
    true, said = rng.integers(0, 2, (2, 50)).astype(bool)
    found = f1_score.precision_recall_f1(
        (true & said).sum(), said=said.sum(), true=true.sum()
    )
    expected = sklearn.metrics.precision_recall_fscore_support(
        true, said, average="binary"
    )
    assert found == pytest.approx(expected[:3])


def test_where_there_is_nothing_all_are_0() -> None:
    assert f1_score.precision_recall_f1(0, said=0, true=0) == (0, 0, 0)
    assert f1_score.precision_recall_f1(0, said=3, true=0) == (0, 0, 0)
