"""A run in one sentence."""

from collections.abc import Sequence

from kft.evaluation.evaluate_run import Evaluation
from kft.metrics.classification import ClassificationFigures
from kft.metrics.figures import Figure
from kft.pages import render
from kft.reporting.example_selection import Pair
from kft.reporting.run_record import RunRecord

# Of the figures that a task puts first.
_SHOWN = 3


def verdict(
    record: RunRecord, evaluation: Evaluation | None, pairs: tuple[Pair, ...]
) -> str:
    """Return what a reader has to know if it is one sentence.

    Args:
        record: the run.
        evaluation: of its judging split; None where it has none.
        pairs: classes that are mixed up, most often first.
    """
    if evaluation is None:
        return _of_training(record)
    figures = evaluation.figures
    if isinstance(figures, ClassificationFigures):
        return _of_classes(record, evaluation, figures, pairs)
    examples, split = len(evaluation.predictions), evaluation.source.split
    headline = _listed(figures.headline()[:_SHOWN])
    return f"On the {examples:,} {split} examples: {headline}."


def _of_training(record: RunRecord) -> str:
    name = record.result.metric
    value = record.history[-1].train.get(name)
    shown = "unknown" if value is None else f"{value:.4f}"
    if value is not None and name == "accuracy":
        shown = f"{value:.1%}"
    return (
        f"Nothing says how good this network is: the run had no validation and no "
        f"test examples; after {len(record.history)} epochs the training "
        f"{name.replace('_', ' ')} was {shown}."
    )


def _listed(figures: Sequence[Figure]) -> str:
    texts = []
    for one in figures:
        text = f"{one.title} {render.value(one)}"
        if one.interval is not None:
            text += f" (95% interval {render.interval(one)})"
        texts.append(text)
    return ", ".join(texts)


def _of_classes(
    record: RunRecord,
    evaluation: Evaluation,
    figures: ClassificationFigures,
    pairs: tuple[Pair, ...],
) -> str:
    low, high = figures.accuracy_interval
    most_frequent = max(one.examples for one in figures.classes) / figures.examples
    first = (
        f"{figures.accuracy:.1%} of the {figures.examples:,} "
        f"{evaluation.source.split} examples are recognised (95% interval "
        f"{low:.1%} to {high:.1%}; always saying the most frequent class would be "
        f"right in {most_frequent:.1%})"
    )
    if not pairs:
        return f"{first}, and there is no mistake among them."
    recalls = ((one.recall, one.label) for one in figures.classes)
    known = [(recall, label) for recall, label in recalls if recall is not None]
    recall, weakest = min(known, key=lambda pair: pair[0])
    pair, names = pairs[0], record.labels.names
    return (
        f"{first}; the weakest class is {weakest}, of which {recall:.1%} are "
        f"recognised, and the most frequent mistake is to take {names[pair.label]} "
        f"for {names[pair.answer]} ({pair.examples:,} of {pair.of:,})."
    )
