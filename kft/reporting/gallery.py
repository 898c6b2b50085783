"""The images of a report: examples, where the network looked, and augmentation."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from kft.data import bad_examples, pipeline
from kft.data.examples import Examples
from kft.evaluation.load_run import LoadedRun
from kft.metrics import scores
from kft.metrics.predictions import Predictions
from kft.reporting import inline_images
from kft.tasks.image_classification import grad_cam

_AUGMENTED_EPOCHS = 4


@dataclasses.dataclass(frozen=True)
class Card:
    """An example as the network sees it.

    Attributes:
        name: its id.
        label: the class that is right.
        answer: the class that the network says.
        probability: of the answer, in [0, 1].
        own_probability: of the class that is right.
        image: address of the image.
        heat: address of the Grad-CAM of the answer, to lay over; None for a network
            whose head reads no feature map.
    """

    name: str
    label: str
    answer: str
    probability: float
    own_probability: float
    image: str
    heat: str | None


@dataclasses.dataclass(frozen=True)
class TrainingViews:
    """A training example as the network saw it.

    Attributes:
        name: its id.
        label: its class.
        images: addresses, one for each of the first epochs.
    """

    name: str
    label: str
    images: tuple[str, ...]


def cards(
    run: LoadedRun,
    examples: Examples,
    predictions: Predictions,
    positions: Iterable[int],
) -> dict[int, Card]:
    """Return a card for each position.

    Args:
        run: the network.
        examples: those that were predicted, in the same order.
        predictions: what the network says of them.
        positions: which of them; each is read once.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    chosen = np.unique(np.fromiter(positions, np.int64))
    if not len(chosen):
        return {}
    own = examples.take(chosen)
    inputs = _inputs(run, own, np.zeros([len(own), 2], np.int64), training=False)
    heat = _heat(run, inputs, predictions.predicted[chosen])
    rows = scores.softmax(predictions.logits[chosen])
    return {
        int(position): Card(
            name=str(own.ids[rank]),
            label=run.labels.names[own.labels[rank]],
            answer=run.labels.names[rows[rank].argmax()],
            probability=float(rows[rank].max()),
            own_probability=float(rows[rank, own.labels[rank]]),
            image=inline_images.photo(inputs[rank]),
            heat=None if heat is None else inline_images.heat(heat[rank]),
        )
        for rank, position in enumerate(chosen)
    }


def _heat(
    run: LoadedRun, inputs: np.ndarray, class_ids: np.ndarray
) -> np.ndarray | None:
    """Return where the network looks; None where it has no map that could tell."""
    try:
        grad_cam.feature_split(run.network)
    except ValueError:
        return None
    return grad_cam.heat(run.network, inputs, class_ids)


def training_views(
    run: LoadedRun, examples: Examples, count: int
) -> tuple[TrainingViews, ...]:
    """Return what the network saw of some training examples, epoch by epoch.

    Without augmentation every epoch shows the same, so there is one view.

    Args:
        run: the network.
        examples: the training split.
        count: how many examples, evenly spread over all.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    places = np.linspace(0, len(examples) - 1, min(count, len(examples)))
    own = examples.take(places.round().astype(np.int64))
    keys_of = pipeline.example_keys(own, seed=run.config.seed)
    epochs = range(_AUGMENTED_EPOCHS if run.task.inputs.is_augmented else 1)
    views = [_inputs(run, own, keys_of(epoch), training=True) for epoch in epochs]
    return tuple(
        TrainingViews(
            name=str(own.ids[rank]),
            label=run.labels.names[own.labels[rank]],
            images=tuple(inline_images.photo(view[rank]) for view in views),
        )
        for rank in range(len(own))
    )


def _inputs(
    run: LoadedRun, examples: Examples, keys: np.ndarray, *, training: bool
) -> np.ndarray:
    """Return inputs of the network, uint8 [n, height, width, 3]."""
    preprocess = run.task.inputs.preprocess(training=training)
    try:
        payloads = examples.read(tf.constant(examples.rows))
        inputs = tf.data.Dataset.from_tensor_slices((payloads, keys)).map(
            preprocess, num_parallel_calls=tf.data.AUTOTUNE
        )
        return np.stack(list(inputs.as_numpy_iterator()))
    except tf.errors.OpError as error:
        raise bad_examples.explain_failure(error, [examples], preprocess) from error
