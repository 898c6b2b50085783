"""The step computes what Keras computes, and what the flags promise."""

import dataclasses
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.config import TrainConfig
from kft.data import epoch_plan, pipeline, sampling
from kft.distribution.batch_sharing import BatchShare
from kft.distribution.replicas import Devices
from kft.model import freeze, split
from kft.training import optimizers
from kft.training.evaluator import Evaluator
from kft.training.train_step import StageStep
from tests import tiny

DEVICES = Devices(tf.distribute.get_strategy())
STEPS = 20
SHARE = BatchShare(batch_size=16)


def train(
    config: TrainConfig,
    *,
    depth: int = 2,
    steps: int = STEPS,
    n: int = 70,
    dropout: float = 0.0,
) -> tuple[StageStep, freeze.StageParts]:
    """Train the tiny network for some steps and return it."""
    network = tiny.network(dropout=dropout)
    parts = freeze.prepare_stage(network, depth, batch_norm=config.batch_norm)
    optimizer = optimizers.build_optimizer(
        config,
        parts.trainable,
        schedule=constant(config.learning_rate),
        distances=parts.distances,
    )
    step = StageStep(tiny.Task(), parts, optimizer, config=config, devices=DEVICES)
    batches = pipeline.train_batches(
        tiny.examples(n),
        tiny.Task().inputs.preprocess(training=True),
        share=BatchShare(batch_size=config.batch_size),
        sampling=epoch_plan.SamplingConfig(seed=0),
        span=pipeline.Span(epochs=steps),
    )
    step.train(iter(batches), steps)
    return step, parts


def constant(rate: float) -> optimizers.StageSchedule:
    return optimizers.StageSchedule(
        rate, total_steps=STEPS, warmup_steps=0, kind="constant"
    )


def values(parts: freeze.StageParts) -> list[np.ndarray]:
    return [v.numpy() for v in parts.trainable]


def assert_equal(first, second, *, atol: float) -> None:
    for a, b in zip(values(first), values(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
def test_a_stage_equals_fit_of_keras(batch_norm):
    # 70 examples: the last batch of an epoch is a partial one.
    n = 70 if batch_norm == "frozen" else 80
    config = TrainConfig(batch_size=16, learning_rate=0.05, batch_norm=batch_norm)
    _, parts = train(config, n=n)
    network = tiny.network()
    theirs = freeze.prepare_stage(network, 2, batch_norm=batch_norm)
    images = keras.Input(tiny.SHAPE)
    model = keras.Model(images, theirs.tail(theirs.trunk(images)))
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs, labels = tiny.pixels(n)
    rows = []
    for epoch in range(STEPS):
        positions, valid = sampling.batches(
            sampling.epoch_order(n, seed=0, epoch=epoch), 16
        )
        rows += [p[v] for p, v in zip(positions, valid, strict=True)]
    data = tf.data.Dataset.from_generator(
        lambda: ((inputs[r].astype(np.float32), labels[r]) for r in rows[:STEPS]),
        output_signature=(
            tf.TensorSpec([None, *tiny.SHAPE]),
            tf.TensorSpec([None], tf.int32),
        ),
    )
    model.fit(data, epochs=1, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    assert_equal(parts, theirs, atol=1e-5)
    before = values(start(batch_norm))
    moved = [np.abs(a - b).max() for a, b in zip(values(parts), before, strict=True)]
    assert max(moved) > 1e-2


def start(batch_norm: str = "frozen") -> freeze.StageParts:
    return freeze.prepare_stage(tiny.network(), 2, batch_norm=batch_norm)


@pytest.mark.parametrize(
    "changes", [{}, {"clip_norm": 0.1}, {"label_smoothing": 0.1}], ids=str
)
def test_accumulation_changes_nothing(changes):
    config = TrainConfig(batch_size=16, **changes)
    _, whole = train(config)
    _, in_parts = train(dataclasses.replace(config, accumulation_steps=4))
    assert_equal(whole, in_parts, atol=1e-6)


def test_clipping_bounds_the_norm_of_an_update():
    config = TrainConfig(batch_size=16, learning_rate=1.0, momentum=0.0, clip_norm=1e-3)
    _, parts = train(config, steps=1)
    update = [a - b for a, b in zip(values(parts), values(start()), strict=True)]
    norm = np.sqrt(sum(np.sum(u**2) for u in update))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_a_nan_names_its_step():
    config = TrainConfig(batch_size=16, learning_rate=1e30)
    network = tiny.network()
    parts = freeze.prepare_stage(network, 4, batch_norm="frozen")
    optimizer = optimizers.build_optimizer(
        config, parts.trainable, schedule=constant(1e30), distances=parts.distances
    )
    step = StageStep(tiny.Task(), parts, optimizer, config=config, devices=DEVICES)
    batches = pipeline.train_batches(
        tiny.examples(70),
        tiny.Task().inputs.preprocess(training=True),
        share=SHARE,
        sampling=epoch_plan.SamplingConfig(seed=0),
        span=pipeline.Span(epochs=1),
    )
    chunk = step.train(iter(batches), 4)
    assert chunk.bad_step in (1, 2)


def test_averages_follow_the_weights():
    config = TrainConfig(batch_size=16, ema_decay=0.9)
    step, parts = train(config, steps=1)
    for average, now, before in zip(
        step.averages, values(parts), values(start()), strict=True
    ):
        np.testing.assert_allclose(average, 0.9 * before + 0.1 * now, atol=1e-6)
    last = values(parts)
    step.swap_averages()
    assert any((a != b).any() for a, b in zip(values(parts), last, strict=True))
    step.swap_averages()
    for a, b in zip(values(parts), last, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n", [5, 16, 37])
def test_means_equal_numpy_with_a_partial_last_batch(n):
    network = tiny.network()
    scorer = Evaluator(tiny.Task(), network.model, devices=DEVICES)
    data = tiny.examples(n)
    batches = pipeline.eval_batches(
        data, tiny.Task().inputs.preprocess(training=False), share=SHARE
    )
    logits = scorer.predict(data, batches)
    images, labels = tiny.pixels(n)
    np.testing.assert_allclose(
        logits, network.model(images.astype(np.float32), training=False), atol=1e-5
    )
    means = scorer.evaluate(batches, sampling.num_batches(n, 16))
    assert means["accuracy"] == pytest.approx(
        np.mean(logits.argmax(-1) == labels), abs=1e-6
    )
    shifted = logits - logits.max(-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(n), labels]
    assert means["loss"] == pytest.approx(losses.mean(), rel=1e-5)


def test_a_trunk_gives_the_same_means_as_the_whole():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 1, batch_norm="frozen")
    scorer = Evaluator(tiny.Task(), parts.tail, trunk=parts.trunk, devices=DEVICES)
    whole = Evaluator(tiny.Task(), network.model, devices=DEVICES)
    data = tiny.examples(20)
    batches = pipeline.eval_batches(
        data, tiny.Task().inputs.preprocess(training=False), share=SHARE
    )
    np.testing.assert_array_equal(
        scorer.predict(data, batches), whole.predict(data, batches)
    )
    assert isinstance(parts.trunk, split.FrozenTrunk)


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_xla_computes_what_the_step_computes(accumulation_steps):
    # Without dropout: XLA draws random numbers by another algorithm.
    config = TrainConfig(
        batch_size=16,
        learning_rate=0.05,
        batch_norm="train",
        accumulation_steps=accumulation_steps,
    )
    plain, theirs = train(config, steps=5)
    step, ours = train(dataclasses.replace(config, jit="on"), steps=5)
    assert_equal(theirs, ours, atol=1e-4)
    assert not hasattr(plain._gradients, "experimental_get_compiler_ir")
    assert hasattr(step._gradients, "experimental_get_compiler_ir")


def test_xla_is_for_one_device():
    config = TrainConfig(jit="on")
    assert DEVICES.uses_xla(config)
    two = Devices(mock.Mock(num_replicas_in_sync=2))
    with pytest.raises(errors.ConfigError, match="--jit=on .* 2 share"):
        two.uses_xla(config)
    assert not two.uses_xla(TrainConfig())


def test_nothing_is_compiled_unasked_also_on_a_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert not DEVICES.uses_xla(TrainConfig())
