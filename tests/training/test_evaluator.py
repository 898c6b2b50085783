"""What the network gives for inputs of different length, in the examples' own order."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft.data import pipeline
from kft.data.examples import Examples
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare
from kft.distribution.replicas import Devices
from kft.training.evaluator import Evaluator
from tests import tiny
from tests.tasks.rising_steps import rising_inputs

LENGTHS = (30, 3, 17, 8, 9, 24, 1, 40, 12, 16, 5)
TASK = types.SimpleNamespace(
    inputs=rising_inputs.Inputs(),
    objective=types.SimpleNamespace(total_names=("loss",)),
)


def _examples() -> Examples:
    """Return curves; the values of each begin at a number of its own."""
    rows = [np.arange(n) + 100 * number for number, n in enumerate(LENGTHS)]
    payloads = tf.constant([" ".join(map(str, row)) for row in rows])
    return Examples(
        ids=np.array([f"curve {number}" for number in range(len(rows))]),
        labels=Ragged.from_rows([np.zeros(n, np.int32) for n in LENGTHS]),
        rows=np.arange(len(rows)),
        read=lambda chosen: tf.gather(payloads, chosen),
        lengths=np.array(LENGTHS),
    )


def _predict(layers: list[keras.layers.Layer], **options: int) -> np.ndarray | Ragged:
    """Return what layers make of the values of each curve."""
    values, mask = (keras.Input([None], name=name) for name in ("values", "mask"))
    x = keras.layers.Reshape([-1, 1])(keras.layers.Multiply()([values, mask]))
    for layer in layers:
        x = layer(x)
    examples = _examples()
    batches = pipeline.eval_batches(
        examples,
        TASK.inputs.preprocess(training=False),
        share=BatchShare(batch_size=4),
        boundaries=TASK.inputs.boundaries,
    )
    evaluator = Evaluator(
        TASK,
        keras.Model({"values": values, "mask": mask}, x),
        devices=Devices(tf.distribute.get_strategy()),
    )
    return evaluator.predict(examples, batches, **options)


@pytest.mark.parametrize("options", [{}, {"num_batches": 3}])
def test_an_output_for_each_step_has_the_steps_of_its_example(options) -> None:
    found = _predict([], **options)
    assert found.lengths.tolist() == list(LENGTHS)
    for number, length in enumerate(LENGTHS):
        expected = np.arange(length) + 100 * number
        np.testing.assert_array_equal(found[number][:, 0], expected)


def test_a_network_that_takes_steps_together_has_fewer_for_each() -> None:
    found = _predict([keras.layers.MaxPooling1D(2)])
    assert found.lengths.tolist() == [-(-length // 2) for length in LENGTHS]
    for number, length in enumerate(LENGTHS):
        last = 100 * number + length - 1
        assert found[number][-1, 0] == last
        np.testing.assert_array_equal(np.diff(found[number][:-1, 0]), 2)


def test_one_output_for_an_example_is_in_its_place() -> None:
    found = _predict([keras.layers.GlobalMaxPooling1D()])
    highest = [100 * number + length - 1 for number, length in enumerate(LENGTHS)]
    np.testing.assert_array_equal(found[:, 0], highest)


def test_figures_and_outputs_of_one_pass_are_those_of_two() -> None:
    task, checks = tiny.Task(), []
    model, devices = task.network().model, Devices(tf.distribute.get_strategy())
    evaluator = Evaluator(task, model, devices=devices)
    # A second pass does not add to the first.
    for count in (11, 5):
        examples = tiny.examples(count, seed=count)
        batches = pipeline.eval_batches(
            examples,
            task.inputs.preprocess(training=False),
            share=BatchShare(batch_size=4),
        )
        figures, outputs = evaluator.measure(
            examples, batches, check=lambda: checks.append(1)
        )
        other = Evaluator(task, model, devices=devices)
        assert figures == pytest.approx(other.evaluate(batches, -(-count // 4)))
        expected = other.predict(examples, batches)
        np.testing.assert_allclose(outputs, expected, atol=1e-6)
    assert len(checks) == 3 + 2
