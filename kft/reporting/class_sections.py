"""The sections of a report about classes: confusions, calibration."""

import dataclasses
from collections.abc import Mapping, Sequence

from kft.evaluation.evaluate_run import Evaluation
from kft.metrics import classification
from kft.metrics.classification import ClassificationFigures
from kft.reporting import confusion, example_selection, reliability_chart
from kft.reporting.confusion import ConfusionRow, Map
from kft.reporting.example_selection import Pair
from kft.reporting.gallery import Card
from kft.reporting.reliability_chart import ReliabilityChart

EXAMPLES = 24
PAIRS = 10
EXAMPLES_OF_PAIR = 6


@dataclasses.dataclass(frozen=True)
class ShownExamples:
    """Which examples are shown, by their positions in the predictions.

    Attributes:
        pairs: classes that are mixed up, most often first, with some examples of each.
        mistakes: those whose right class got the least.
        doubts: those whose answer got the least.
    """

    pairs: tuple[Pair, ...] = ()
    mistakes: tuple[int, ...] = ()
    doubts: tuple[int, ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """Return the positions of all."""
        of_pairs = (i for pair in self.pairs for i in pair.positions)
        return (*self.mistakes, *self.doubts, *of_pairs)


@dataclasses.dataclass(frozen=True)
class PairCards:
    """Examples of one class that are taken for another.

    Attributes:
        label: the class that is right.
        answer: the class that is said.
        examples: how many.
        of: examples of the class in all.
        cards: some of them.
    """

    label: str
    answer: str
    examples: int
    of: int
    cards: tuple[Card, ...]

    @property
    def share(self) -> float:
        """Return the share of the class that is taken so."""
        return self.examples / self.of


@dataclasses.dataclass(frozen=True)
class ClassSections:
    """What the template of these sections shows.

    Attributes:
        confusion_json: names, and the cells that are not 0: of many classes few.
        confusion_table: rows of numbers; None for many classes.
        confusion_map: None for few classes.
        pairs: most confused classes.
        reliability: the reliability diagram.
        ece: expected calibration error, in [0, 1].
        temperature: that the run is served with; None where it is not calibrated.
        mistakes: the worst, worst first.
        doubts: the least certain answers.
    """

    confusion_json: Mapping[str, object]
    confusion_table: Sequence[ConfusionRow] | None
    confusion_map: Map | None
    pairs: tuple[PairCards, ...]
    reliability: ReliabilityChart
    ece: float
    temperature: float | None
    mistakes: tuple[Card, ...]
    doubts: tuple[Card, ...]


def choose(evaluation: Evaluation | None) -> ShownExamples:
    """Return which examples are shown; none where examples have not one class each."""
    found = None if evaluation is None else evaluation.predictions.of_classes
    if found is None:
        return ShownExamples()
    return ShownExamples(
        pairs=example_selection.confused_pairs(
            found, pairs=PAIRS, examples=EXAMPLES_OF_PAIR
        ),
        mistakes=tuple(map(int, example_selection.worst_mistakes(found, EXAMPLES))),
        doubts=tuple(map(int, example_selection.least_certain(found, EXAMPLES))),
    )


def of(
    figures: ClassificationFigures,
    choice: ShownExamples,
    cards: Mapping[int, Card],
    *,
    names: Sequence[str],
    temperature: float | None,
) -> ClassSections:
    """Return the sections.

    Args:
        figures: of the examples.
        choice: what is shown of them.
        cards: of the examples that are chosen, at least.
        names: of the classes, in index order.
        temperature: that the run is served with; None where it is not calibrated.
    """
    return ClassSections(
        confusion_json={
            "names": names,
            "cells": classification.cells(figures.confusion),
        },
        confusion_table=confusion.table(figures.confusion, names),
        confusion_map=confusion.draw(figures.confusion, names),
        pairs=tuple(_pair(pair, names, cards) for pair in choice.pairs),
        reliability=reliability_chart.draw(figures.bins),
        ece=figures.ece,
        temperature=temperature,
        mistakes=tuple(cards[i] for i in choice.mistakes),
        doubts=tuple(cards[i] for i in choice.doubts),
    )


def _pair(pair: Pair, names: Sequence[str], cards: Mapping[int, Card]) -> PairCards:
    return PairCards(
        label=names[pair.label],
        answer=names[pair.answer],
        examples=pair.examples,
        of=pair.of,
        cards=tuple(cards[i] for i in pair.positions),
    )
