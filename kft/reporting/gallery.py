"""The examples of a report: what was said of them, and what training saw of them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from kft.data import label_arrays, pipeline, sample
from kft.data.examples import Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation.load_run import LoadedRun
from kft.metrics import scores
from kft.metrics.predictions import ClassPredictions, Predictions

_AUGMENTED_EPOCHS = 4


@dataclasses.dataclass(frozen=True)
class ClassAnswer:
    """What the network says of an example that has one class.

    Attributes:
        label: the class that is right.
        answer: the class that the network says.
        probability: of the answer, in [0, 1].
        own_probability: of the class that is right.
    """

    label: str
    answer: str
    probability: float
    own_probability: float


@dataclasses.dataclass(frozen=True)
class Card:
    """An example as the network sees it, with what it says.

    Attributes:
        name: its id.
        example: as HTML.
        overlay: where the network looked, as HTML to lay over; None where unknown.
        answer: None where an example has other labels than one class.
        text: what is said of the answer then; else empty.
        said: the same as HTML, in place of the text; None where its task has none.
    """

    name: str
    example: Markup
    overlay: Markup | None
    answer: ClassAnswer | None
    text: str = ""
    said: Markup | None = None


@dataclasses.dataclass(frozen=True)
class TrainingViews:
    """A training example as the network saw it.

    Attributes:
        name: its id.
        label: its class or classes; empty where each step has one.
        views: as HTML, one for each of the first epochs.
    """

    name: str
    label: str
    views: tuple[Markup, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Loaded:
    """Examples in memory: encoded, and as the network reads them."""

    payloads: Sequence[bytes]
    inputs: Sequence[Any]


def cards(
    run: LoadedRun,
    examples: Examples | None,
    predictions: Predictions,
    positions: Iterable[int],
) -> dict[int, Card]:
    """Return a card for each position.

    Args:
        run: the network.
        examples: those that were predicted, in the same order; None where they are
            gone, for cards without them.
        predictions: what the network says of them.
        positions: which of them; each is read once.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    chosen = np.unique(np.fromiter(positions, np.int64))
    if not len(chosen):
        return {}
    if examples is None:
        return {p: _empty_card(run, predictions, p) for p in map(int, chosen)}
    own = examples.take(chosen)
    loaded = _load(run, own, None, training=False)
    predicted = predictions.predicted
    answers = [predicted[int(position)] for position in chosen]
    display, network = run.task.display, run.network
    overlays = None
    if not display.unexplained(network):
        overlays = display.explain(
            network, loaded.inputs, targets=answers, payloads=loaded.payloads
        )
    found = {}
    for rank, position in enumerate(map(int, chosen)):
        answer = class_answer(predictions, position, run.labels.names)
        found[position] = Card(
            name=str(own.ids[rank]),
            example=_html(run, loaded, rank),
            overlay=None if overlays is None else Markup(overlays[rank]),
            answer=answer,
            text="" if answer else other_answer(predictions, position, run.labels),
            said=None
            if answer
            else _said(run, loaded.payloads[rank], predictions, position),
        )
    return found


def _said(
    run: LoadedRun, payload: bytes, predictions: Predictions, position: int
) -> Markup | None:
    """Return what its task says of an answer; it escapes what comes from files."""
    label, scores = predictions.labels[position], predictions.logits[position]
    said = run.task.display.answer_html(payload, label, scores)
    return Markup(said) if said else None


def _empty_card(run: LoadedRun, predictions: Predictions, position: int) -> Card:
    """Return a card without the example itself."""
    answer = class_answer(predictions, position, run.labels.names)
    return Card(
        name=str(predictions.ids[position]),
        example=Markup(),
        overlay=None,
        answer=answer,
        text="" if answer else other_answer(predictions, position, run.labels),
    )


def class_answer(
    predictions: Predictions, position: int, names: Sequence[str]
) -> ClassAnswer | None:
    """Return what is said of an example; None where its label is not one class."""
    found = predictions.of_classes
    return None if found is None else answer_of(found, position, names)


def answer_of(
    found: ClassPredictions, position: int, names: Sequence[str]
) -> ClassAnswer:
    """Return what is said of an example that has one class."""
    row = scores.softmax(found.logits[position])
    label = int(found.labels[position])
    return ClassAnswer(
        label=names[label],
        answer=names[int(row.argmax())],
        probability=float(row.max()),
        own_probability=float(row[label]),
    )


def other_answer(predictions: Predictions, position: int, labels: LabelMap) -> str:
    """Return what is said of an example whose label is not one class.

    How many of its steps are right, or where it has none the names of its classes.
    """
    own, said = predictions.labels, predictions.predicted
    if not isinstance(own, Ragged):
        (text,) = label_arrays.texts(own[position : position + 1], labels)
        return text
    right = own[position]
    if not isinstance(said, Ragged) or len(right) != len(said[position]):
        return ""
    return f"{int((right == said[position]).sum()):,} of {len(right):,} steps right"


def training_views(
    run: LoadedRun, examples: Examples | None, count: int
) -> tuple[TrainingViews, ...]:
    """Return what the network saw of some training examples, epoch by epoch.

    Without augmentation every epoch shows the same, so there is one view.

    Args:
        run: the network.
        examples: the training split; None where it is gone, for no views.
        count: how many examples, evenly spread over all.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    if examples is None:
        return ()
    own = sample.spread(examples, count)
    keys_of = pipeline.example_keys(own, seed=run.config.seed)
    epochs = range(_AUGMENTED_EPOCHS if run.task.inputs.is_augmented else 1)
    loaded = [_load(run, own, keys_of(epoch), training=True) for epoch in epochs]
    # The labels of steps are too many to be read.
    has_names = not isinstance(own.labels, Ragged)
    names = label_arrays.texts(own.labels, run.labels) if has_names else [""] * len(own)
    return tuple(
        TrainingViews(
            name=str(own.ids[rank]),
            label=names[rank],
            views=tuple(_html(run, view, rank) for view in loaded),
        )
        for rank in range(len(own))
    )


def _html(run: LoadedRun, loaded: _Loaded, rank: int) -> Markup:
    """Return an example as HTML; its task escapes what comes from files."""
    html = run.task.display.example_html(loaded.payloads[rank], loaded.inputs[rank])
    return Markup(html)


def _load(
    run: LoadedRun, examples: Examples, keys: np.ndarray | None, *, training: bool
) -> _Loaded:
    preprocess = run.preprocess(training=training)
    prepared = run.task.inputs.prepare(examples, training=training)
    loaded = sample.load(prepared, preprocess, keys=keys)
    # What people see is the example itself, not what it is prepared to.
    return _Loaded(sample.payloads(examples), loaded)
