"""The schedule by its formula; rates per block; decay where it belongs."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kft.config import OptimizerConfig
from kft.training import optimizers

RULES = ["sgd", "adam", "adamw", "rmsprop", "lion"]


def rates(kind: str, *, total: int, warmup: int, peak: float = 1.0) -> np.ndarray:
    schedule = optimizers.StageSchedule(
        peak, total_steps=total, warmup_steps=warmup, kind=kind
    )
    return np.array([float(schedule(step)) for step in range(total)])


def test_the_rate_rises_to_the_peak_in_the_warm_up():
    found = rates("constant", total=10, warmup=4, peak=2.0)
    np.testing.assert_allclose(found[:5], [0.4, 0.8, 1.2, 1.6, 2.0], rtol=1e-6)
    assert (found[4:] == 2.0).all()


def test_each_fall_follows_its_formula():
    np.testing.assert_allclose(
        rates("linear", total=4, warmup=0), [1, 0.75, 0.5, 0.25], rtol=1e-6
    )
    np.testing.assert_allclose(
        rates("cosine", total=4, warmup=0),
        [1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5],
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        rates("step", total=6, warmup=0), [1, 1, 0.1, 0.1, 0.01, 0.01], rtol=1e-5
    )


@given(
    kind=st.sampled_from(["cosine", "linear", "step", "constant"]),
    total=st.integers(1, 30),
    share=st.floats(0, 1),
)
def test_the_rate_stays_between_zero_and_the_peak(kind, total, share):
    found = rates(kind, total=total, warmup=round(share * total), peak=3.0)
    assert (found >= 0).all() and (found <= 3.0 + 1e-6).all()
    assert found.max() > 0


def update(config: OptimizerConfig, *, distances=(0, 0), steps: int = 3):
    """Return a matrix and a vector after some steps with a gradient of 1."""
    variables = [
        keras.Variable(np.ones((2, 2), np.float32), name="kernel"),
        keras.Variable(np.ones((2,), np.float32), name="bias"),
    ]
    optimizer = optimizers.build_optimizer(
        config,
        variables,
        schedule=optimizers.StageSchedule(
            0.01, total_steps=9, warmup_steps=0, kind="constant"
        ),
        distances=distances,
    )
    for _ in range(steps):
        optimizer.apply([np.ones((2, 2), np.float32), np.ones((2,), np.float32)])
    return [v.numpy() for v in variables]


@pytest.mark.parametrize("rule", RULES)
def test_a_rate_per_block_equals_a_smaller_rate(rule):
    decayed = update(
        OptimizerConfig(optimizer=rule, lr_decay_per_block=0.5, weight_decay=0.1),
        distances=(1, 1),
    )
    plain = keras_update(rule, rate=0.005, weight_decay=0.1)
    np.testing.assert_allclose(decayed[0], plain[0], atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_decay_spares_biases_and_norms(rule):
    with_decay = update(OptimizerConfig(optimizer=rule, weight_decay=0.5))
    without = update(OptimizerConfig(optimizer=rule))
    np.testing.assert_array_equal(with_decay[1], without[1])
    assert (with_decay[0] < without[0]).all()


def keras_update(rule: str, *, rate: float, weight_decay: float):
    classes = {
        "sgd": lambda: keras.optimizers.SGD(
            rate, momentum=0.9, weight_decay=weight_decay
        ),
        "adam": lambda: keras.optimizers.Adam(rate, weight_decay=weight_decay),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=weight_decay),
        "rmsprop": lambda: keras.optimizers.RMSprop(
            rate, momentum=0.9, weight_decay=weight_decay
        ),
        "lion": lambda: keras.optimizers.Lion(rate, weight_decay=weight_decay),
    }
    variables = [keras.Variable(np.ones((2, 2), np.float32))]
    optimizer = classes[rule]()
    optimizer.build(variables)
    for _ in range(3):
        optimizer.apply([np.ones((2, 2), np.float32)])
    return [v.numpy() for v in variables]


def test_the_velocity_of_sgd_contains_the_rate():
    """Why the optimizer is new in each stage: old velocity moves with the old rate."""
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer = keras.optimizers.SGD(1.0, momentum=0.9)
    optimizer.build([variable])
    optimizer.apply([np.ones(1, np.float32)])
    optimizer.learning_rate = 1e-3
    before = variable.numpy()[0]
    optimizer.apply([np.ones(1, np.float32)])
    assert variable.numpy()[0] - before == pytest.approx(-0.901)
