"""Top-k classes of image files, in the order of the files, bad files included."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from kft.data import bad_examples
from kft.data.labels import LabelMap
from kft.evaluation import calibrated_temperature
from kft.evaluation.load_run import LoadedRun
from kft.inference.input_files import InputFiles
from kft.metrics import scores
from kft.tasks.task import Preprocess

_UNREADABLE = "the model cannot read it as an image"
# Batches that are made while one is computed.
_BATCHES_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class ClassScore:
    """One class and how likely it is, in [0, 1]."""

    label: str
    class_id: int
    probability: float


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a network says of a file.

    Attributes:
        file: its path.
        predictions: the likeliest classes, most likely first; none where `error` is.
        error: why there is no prediction.
    """

    file: str
    predictions: tuple[ClassScore, ...]
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network ready to answer.

    Attributes:
        labels: the classes.
        preprocess: (payload, key) -> one input.
        probabilities: a batch of inputs -> float [batch, classes]; zeros for an input
            that the network itself cannot read.
    """

    labels: LabelMap
    preprocess: Preprocess
    probabilities: Callable[[tf.Tensor], np.ndarray]

    @functools.cached_property
    def one_input(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return the function from an encoded image, tf.string [], to its input.

        It is traced once. It raises tf.errors.OpError whatever is wrong; outside of a
        graph some of what Python says would come out as it is.
        """
        return tf.function(
            lambda payload: self.preprocess(payload, _no_key()),
            input_signature=[tf.TensorSpec([], tf.string)],
        )


def of_run(run: LoadedRun) -> Predictor:
    """Return the predictor of a finished run; its probabilities are those served.

    That is, they are calibrated where the run is, see
    `kft.evaluation.calibrated_temperature`.
    """
    divisor = calibrated_temperature.of_run(run.run)

    @tf.function(reduce_retracing=True)
    def logits(inputs: tf.Tensor) -> tf.Tensor:
        return run.model(inputs, training=False)

    return Predictor(
        labels=run.labels,
        preprocess=run.task.inputs.preprocess(training=False),
        probabilities=lambda inputs: scores.softmax(logits(inputs).numpy() / divisor),
    )


def predict(
    predictor: Predictor, found: Sequence[InputFiles], *, top_k: int, batch_size: int
) -> Iterator[Answer]:
    """Yield an answer for each file, in their order, a batch at a time.

    The next files are read and decoded, on all cores, while a batch is computed.

    Args:
        predictor: the network.
        found: the files.
        top_k: classes in an answer, at most all.
        batch_size: inputs that are computed together.
    """
    done = 0
    for positions, inputs in batches(predictor, found, batch_size):
        probabilities = predictor.probabilities(inputs)
        rows = dict(zip(positions, probabilities, strict=False))
        # What is missing in between has failed.
        for position in range(done, positions[-1] + 1):
            yield _answer(predictor, found[position], rows.get(position), top_k)
        done = positions[-1] + 1
    for one in found[done:]:
        yield _answer(predictor, one, None, top_k)


def predict_one(predictor: Predictor, payload: bytes, *, top_k: int) -> Answer:
    """Return the answer for an encoded image, whose file has no name."""
    try:
        single = predictor.one_input(tf.constant(payload))
    except tf.errors.OpError as error:
        return Answer("", (), bad_examples.first_line(error))
    return _row_answer("", predictor.probabilities(single[None])[0], predictor, top_k)


def _answer(
    predictor: Predictor, one: InputFiles, row: np.ndarray | None, top_k: int
) -> Answer:
    if row is None:
        return Answer(one.file, (), one.error or _reason(predictor, one.file))
    return _row_answer(one.file, row, predictor, top_k)


def _row_answer(file: str, row: np.ndarray, predictor: Predictor, top_k: int) -> Answer:
    if not row.any():
        return Answer(file, (), _UNREADABLE)
    names = predictor.labels.names
    best = scores.top_classes(row[None], top_k)[0]
    return Answer(
        file, tuple(ClassScore(names[i], int(i), float(row[i])) for i in best)
    )


def batches(
    predictor: Predictor, found: Sequence[InputFiles], batch_size: int
) -> Iterator[tuple[list[int], tf.Tensor]]:
    """Yield positions of files that can be read, and a batch of their inputs.

    All batches have the same shape, so that nothing is compiled anew for the last one:
    it is filled up, and has more inputs than positions.
    """
    there = [position for position, one in enumerate(found) if one.error is None]
    if not there:
        return
    size = min(batch_size, len(there))
    read = (
        tf.data.Dataset.from_tensor_slices(
            (np.array(there), [found[position].file for position in there])
        )
        .map(
            lambda position, path: (
                position,
                predictor.one_input(tf.io.read_file(path)),
            ),
            num_parallel_calls=os.cpu_count(),
            deterministic=True,
        )
        # `_reason` reads those again that are not among the positions.
        .ignore_errors()
        .batch(size, num_parallel_calls=1)
        .prefetch(_BATCHES_AHEAD)
    )
    for positions, inputs in read:
        short = size - len(positions)
        if short:
            inputs = tf.concat([inputs, tf.repeat(inputs[:1], short, axis=0)], axis=0)
        yield positions.numpy().tolist(), inputs


def _reason(predictor: Predictor, file: str) -> str:
    """Return why a file has no input."""
    try:
        predictor.one_input(tf.io.read_file(file))
    except tf.errors.OpError as error:
        return bad_examples.first_line(error)
    return "it could not be read at first; it can now"


def _no_key() -> tf.Tensor:
    """Return the key of an image that is not augmented."""
    return tf.zeros([2], tf.int64)
