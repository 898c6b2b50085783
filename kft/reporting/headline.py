"""A run in one sentence."""

from kft.evaluation.evaluate_run import Evaluation
from kft.reporting.example_selection import Pair
from kft.reporting.run_record import RunRecord


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
        epochs = len(record.history)
        return (
            f"Nothing says how good this network is: the run had no validation and no "
            f"test examples; after {epochs} epochs the training accuracy was "
            f"{record.history[-1]['accuracy']:.1%}."
        )
    figures = evaluation.figures
    low, high = figures.accuracy_interval
    parts = [
        f"{figures.accuracy:.1%} of the {figures.examples:,} "
        f"{evaluation.source.split} examples are recognised (95% interval "
        f"{low:.1%} to {high:.1%}; always saying the most frequent class would be "
        f"right in {_most_frequent(evaluation):.1%})"
    ]
    known = [one for one in figures.classes if one.recall is not None]
    worst = min(known, key=lambda one: one.recall)
    if not pairs:
        return f"{parts[0]}, and there is no mistake among them."
    first = pairs[0]
    names = record.labels.names
    parts.append(
        f"the weakest class is {worst.label}, of which {worst.recall:.1%} are "
        f"recognised, and the most frequent mistake is to take {names[first.label]} "
        f"for {names[first.answer]} ({first.examples:,} of {first.of:,})"
    )
    return f"{'; '.join(parts)}."


def _most_frequent(evaluation: Evaluation) -> float:
    """Return the accuracy of a classifier that always says the same."""
    figures = evaluation.figures
    return max(one.examples for one in figures.classes) / figures.examples
