"""The training examples whose label a network doubts most: the likeliest wrong labels.

After Northcutt et al. (arXiv 1911.00068), who rank examples by what a network gives to
their label; there by networks that have not seen them. Here the network has trained on
them, so it doubts fewer labels than are wrong.
"""

import csv
import dataclasses
import io

import numpy as np

from kft import errors
from kft.cli import progress_bar
from kft.cli.progress_bar import Bar
from kft.data.examples import TRAIN
from kft.evaluation import evaluate_run, run_split
from kft.evaluation.load_run import LoadedRun
from kft.metrics import scores
from kft.metrics.predictions import ClassPredictions
from kft.reporting import gallery
from kft.reporting.gallery import Card

_CARDS = 24


@dataclasses.dataclass(frozen=True)
class DoubtedLabel:
    """An example and what is said of it.

    Attributes:
        id: of the example.
        label: its class as the data has it.
        predicted: the class that the network says.
        probability: of that class, in [0, 1].
        loss: cross entropy of the label in nats: minus the log of its probability.
    """

    id: str
    label: str
    predicted: str
    probability: float
    loss: float


@dataclasses.dataclass(frozen=True)
class DoubtedLabels:
    """What a report shows of them.

    Attributes:
        rows: those with the highest loss, the highest first.
        cards: the first of them, to look at.
        examples: training examples in all.
        contradicted: of which the network says another class.
    """

    rows: tuple[DoubtedLabel, ...]
    cards: tuple[Card, ...]
    examples: int
    contradicted: int

    def to_csv(self) -> str:
        """Return a table with a line for each row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([field.name for field in dataclasses.fields(DoubtedLabel)])
        for row in self.rows:
            numbers = (f"{row.probability:.4f}", f"{row.loss:.4f}")
            writer.writerow([row.id, row.label, row.predicted, *numbers])
        return text.getvalue()


def find(run: LoadedRun, count: int, *, bar: Bar = progress_bar.none) -> DoubtedLabels:
    """Return up to `count` examples; the network reads all training examples for it.

    Args:
        run: whose network doubts.
        count: most of them.
        bar: shows how many examples were read.

    Raises:
        errors.ConfigError: for a run whose examples have not one class each.
        errors.DataError: where its training examples are gone, or cannot be read.
    """
    if run.other_labels:
        raise errors.ConfigError(
            f"--doubted_labels={count}: expected a run whose examples have one class "
            f"each, received one with {run.other_labels}."
        )
    examples = run_split.of_split(run, TRAIN)
    predictions = evaluate_run.predict(run, examples, bar=bar)
    found = predictions.of_classes
    if found is None:
        raise TypeError("expected examples of one class each, as the task has them")
    losses = scores.cross_entropies(found.logits, found.labels)
    order = np.argsort(-losses, kind="stable")[:count]
    cards = gallery.cards(run, examples, predictions, map(int, order[:_CARDS]))
    return DoubtedLabels(
        rows=tuple(_row(run, found, int(i), losses[i]) for i in order),
        cards=tuple(cards[int(i)] for i in order[:_CARDS]),
        examples=len(found.ids),
        contradicted=int((found.predicted != found.labels).sum()),
    )


def _row(
    run: LoadedRun, found: ClassPredictions, position: int, loss: float
) -> DoubtedLabel:
    said = gallery.answer_of(found, position, run.labels.names)
    return DoubtedLabel(
        id=str(found.ids[position]),
        label=said.label,
        predicted=said.answer,
        probability=said.probability,
        loss=float(loss),
    )
