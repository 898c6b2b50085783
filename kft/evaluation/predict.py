"""Top-k classes of picture files, in the order of the files, bad files included."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from kft.data import scan
from kft.evaluation import scores
from kft.evaluation.picture_files import Found
from kft.evaluation.trained import Trained
from kft.labels import LabelMap
from kft.tasks.task import Preprocess


@dataclasses.dataclass(frozen=True)
class Prediction:
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
    predictions: tuple[Prediction, ...]
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network ready to answer.

    Attributes:
        labels: the classes.
        preprocess: (payload, key) -> one input.
        probabilities: a batch of inputs -> float [batch, classes].
    """

    labels: LabelMap
    preprocess: Preprocess
    probabilities: Callable[[tf.Tensor], np.ndarray]


def of_run(run: Trained) -> Predictor:
    """Return the predictor of a finished run."""

    @tf.function
    def logits(inputs: tf.Tensor) -> tf.Tensor:
        return run.model(inputs, training=False)

    return Predictor(
        labels=run.labels,
        preprocess=run.task.preprocess(training=False),
        probabilities=lambda inputs: scores.softmax(logits(inputs).numpy()),
    )


def predict(
    predictor: Predictor, found: Sequence[Found], *, top_k: int, batch_size: int
) -> Iterator[Answer]:
    """Yield an answer for each file, in their order, a batch at a time.

    Args:
        predictor: the network.
        found: the files.
        top_k: classes in an answer, at most all.
        batch_size: inputs that are computed together.
    """
    waiting: list[Answer | tuple[Found, np.ndarray]] = []
    for one, outcome in zip(found, _inputs(predictor, found), strict=True):
        if isinstance(outcome, str):
            waiting.append(Answer(one.file, (), outcome))
        else:
            waiting.append((one, outcome))
        if sum(isinstance(w, tuple) for w in waiting) == batch_size:
            yield from _answers(predictor, waiting, top_k, batch_size)
            waiting = []
    yield from _answers(predictor, waiting, top_k, batch_size)


def _answers(
    predictor: Predictor,
    waiting: Sequence[Answer | tuple[Found, np.ndarray]],
    top_k: int,
    batch_size: int,
) -> Iterator[Answer]:
    """Yield the answers, once the inputs among those that wait have been computed."""
    inputs = [one[1] for one in waiting if isinstance(one, tuple)]
    if inputs:
        # A static shape, so that the last batch does not compile anything anew.
        filled = inputs + inputs[:1] * (batch_size - len(inputs))
        rows = iter(predictor.probabilities(tf.constant(np.stack(filled))))
    for one in waiting:
        if isinstance(one, Answer):
            yield one
        else:
            yield _answer(one[0], next(rows), predictor.labels, top_k)


def _answer(one: Found, row: np.ndarray, labels: LabelMap, top_k: int) -> Answer:
    predictions = tuple(
        Prediction(labels.names[i], int(i), float(row[i]))
        for i in scores.top_classes(row[None], top_k)[0]
    )
    return Answer(one.file, predictions)


def _inputs(predictor: Predictor, found: Sequence[Found]) -> Iterator[np.ndarray | str]:
    """Yield for each file an input of the network, or why there is none."""
    no_key = tf.zeros([2], tf.int64)
    reading = iter(
        tf.data.Dataset.from_tensor_slices(
            [one.file for one in found if one.error is None] or [""]
        )
        .map(
            lambda path: predictor.preprocess(tf.io.read_file(path), no_key),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .prefetch(tf.data.AUTOTUNE)
    )
    for one in found:
        if one.error is not None:
            yield one.error
            continue
        try:
            outcome = next(reading).numpy()
        except tf.errors.OpError as error:
            # The iterator goes on with the next element.
            outcome = scan.first_line(error)
        yield outcome
