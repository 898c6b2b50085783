"""The plan of an epoch of inputs of different length, each with a label per step."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft.data import epoch_plan
from kft.data.epoch_plan import EpochPlan, SamplingConfig
from kft.data.examples import Examples
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare

BOUNDARIES = (4, 8, 12)


@st.composite
def _cases(draw):
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=40))
    # Of some inputs no step is scored.
    scored = [draw(st.sampled_from([0, length])) for length in lengths]
    workers, replicas = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {
        "examples": _examples(lengths, scored),
        "batch_size": workers * replicas * draw(st.integers(1, 4)),
        "num_workers": workers,
        "replicas": replicas,
        "seed": draw(st.integers(0, 2**31 - 1)),
        "epoch": draw(st.integers(0, 100)),
        "boundaries": draw(st.sampled_from([(), BOUNDARIES])),
    }


def _examples(lengths: list[int], scored: list[int]) -> Examples:
    return Examples(
        ids=np.array([f"example {number}" for number in range(len(lengths))]),
        labels=Ragged.from_rows([np.zeros(count, np.int32) for count in scored]),
        rows=np.arange(len(lengths)),
        read=lambda rows: rows,
        lengths=np.array(lengths),
    )


def _plan(case: dict, **share: int) -> EpochPlan:
    examples = case["examples"]
    config = SamplingConfig(
        seed=case["seed"],
        boundaries=case["boundaries"],
        example_weights=examples.labels.lengths.astype(np.float64),
    )
    return epoch_plan.train_epoch(
        examples,
        BatchShare(batch_size=case["batch_size"], **share),
        config,
        keys=np.zeros([len(examples), 2], np.int64),
        epoch=case["epoch"],
    )


def _global_batches(case: dict) -> EpochPlan:
    """Return the global batches as the devices of all workers have them together."""
    shares = {name: case[name] for name in ("num_workers", "replicas")}
    plans = [_plan(case, worker=w, **shares) for w in range(case["num_workers"])]
    part = case["batch_size"] // case["num_workers"]
    return EpochPlan(
        *(
            np.hstack([column.reshape(-1, part, *column.shape[2:]) for column in same])
            for same in zip(*plans, strict=True)
        )
    )


@hypothesis.given(_cases())
def test_devices_and_workers_together_have_what_one_device_has(case):
    for joined, alone in zip(_global_batches(case), _plan(case), strict=True):
        np.testing.assert_array_equal(joined, alone)


@hypothesis.given(_cases())
def test_the_loss_of_a_batch_is_the_mean_over_its_scored_steps(case):
    scored, plan = case["examples"].labels.lengths, _global_batches(case)
    rng = np.random.default_rng(0)
    losses = [rng.random(count) for count in scored]
    means = np.array([one.mean() if len(one) else 9.0 for one in losses])
    for rows, weights in zip(plan.rows, plan.weights, strict=True):
        counted = rows[weights > 0]
        steps = np.concatenate([losses[row] for row in counted] or [np.zeros(0)])
        assert weights.sum() == pytest.approx(1.0 if len(steps) else 0.0, abs=1e-6)
        expected = steps.mean() if len(steps) else 0.0
        assert weights @ means[rows] == pytest.approx(expected, abs=1e-5)
    # Over the epoch, each example that has a scored step counts once.
    everything = np.sort(plan.rows[plan.weights > 0])
    np.testing.assert_array_equal(everything, np.flatnonzero(scored))


def test_a_batch_in_which_no_step_is_scored_has_weights_of_zero():
    case = {
        "examples": _examples([3] * 4, [0] * 4),
        **{"batch_size": 4, "seed": 0, "epoch": 0, "boundaries": BOUNDARIES},
    }
    assert _plan(case).weights.tolist() == [[0.0] * 4]


@hypothesis.given(_cases())
def test_a_global_batch_is_padded_to_what_its_longest_example_fits_in(case):
    lengths, plan = case["examples"].lengths, _global_batches(case)
    for rows, padded in zip(plan.rows, plan.lengths, strict=True):
        longest = lengths[rows].max()
        fitting = [one for one in case["boundaries"] if one >= longest]
        assert set(padded) == {fitting[0] if fitting else 0}


def test_evaluation_takes_the_shorter_ones_first_each_once():
    examples = _examples([12, 3, 7, 4, 8, 2], [1] * 6)
    order = epoch_plan.eval_order(examples, BOUNDARIES)
    assert order.tolist() == [1, 3, 5, 2, 4, 0]
    assert epoch_plan.eval_order(examples, ()).tolist() == list(range(6))
    plan = epoch_plan.eval_epoch(
        examples,
        BatchShare(batch_size=4),
        keys=np.zeros([6, 2], np.int64),
        boundaries=BOUNDARIES,
    )
    assert plan.rows.tolist() == [[1, 3, 5, 2], [4, 0, 1, 3]]
    assert plan.weights.tolist() == [[1.0] * 4, [1.0, 1.0, 0.0, 0.0]]
    assert plan.lengths[:, 0].tolist() == [8, 12]


def test_examples_that_do_not_say_their_length_are_not_padded():
    examples = _examples([3], [3])
    without = Examples(examples.ids, examples.labels, examples.rows, examples.read)
    with pytest.raises(ValueError, match="nothing says how long inputs are"):
        epoch_plan.eval_order(without, BOUNDARIES)
