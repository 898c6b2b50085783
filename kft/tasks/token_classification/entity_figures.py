"""Precision, recall and F1 of entities: found is what has its exact words and type.

The counts are those of conlleval and seqeval: tags count as they are said, and an I-
that goes on with nothing of its type begins an entity.
"""

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kft.data.ragged import Ragged
from kft.data.text import tag_schemes
from kft.data.text.tag_schemes import Entity
from kft.metrics import f1_score, scores
from kft.metrics.figures import Breakdown, Figure, Group
from kft.metrics.predictions import Predictions

# Kinds of errors: of entities that are there, and of those that are not.
WRONG_TYPE, WRONG_BORDER, WRONG_BOTH = "wrong_type", "wrong_border", "wrong_both"
MISSED, SPURIOUS = "missed", "spurious"
_TITLES = {
    MISSED: "missed: nothing is said there",
    WRONG_TYPE: "wrong type: the words are right",
    WRONG_BORDER: "wrong border: the type is right",
    WRONG_BOTH: "wrong type and border",
    SPURIOUS: "spurious: there is no entity",
}


@dataclasses.dataclass(frozen=True)
class EntityCounts:
    """Entities of one type, or of all.

    Attributes:
        found: with their exact words and type.
        said: by the network.
        true: that there are.
    """

    found: int
    said: int
    true: int

    @property
    def scores(self) -> tuple[float, float, float]:
        """Return precision, recall and F1, in [0, 1]."""
        return f1_score.precision_recall_f1(self.found, said=self.said, true=self.true)


@dataclasses.dataclass(frozen=True)
class EntityFigures:
    """What a network is worth on texts with entities.

    Attributes:
        examples: texts.
        words: in them, those that were cut too.
        cut_words: words that the network has not read.
        loss: mean cross entropy of the words that were read, in nats.
        word_accuracy: share of words with the right tag, in [0, 1].
        all: entities of all types.
        types: those of each type.
        errors: how many entities are wrong in which way.
    """

    examples: int
    words: int
    cut_words: int
    loss: float
    word_accuracy: float
    all: EntityCounts
    types: Mapping[str, EntityCounts]
    errors: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return everything; see `kft.metrics.figures.Figures`."""
        precision, recall, f1 = self.all.scores
        return {
            "examples": self.examples,
            "loss": self.loss,
            "word_accuracy": self.word_accuracy,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "macro_f1": self.macro_f1,
            "weighted_f1": self.weighted_f1,
            "words": self.words,
            "cut_words": self.cut_words,
            "entities": self.all.true,
            "said": self.all.said,
            "found": self.all.found,
            **self.errors,
            "types": [
                {"type": name, **_json(counts)} for name, counts in self.types.items()
            ],
        }

    @property
    def macro_f1(self) -> float:
        """Return the mean F1 of the types that there are."""
        found = [one.scores[2] for one in self.types.values() if one.true]
        return float(np.mean(found)) if found else 0.0

    @property
    def weighted_f1(self) -> float:
        """Return the mean F1 of the types, each by its number of entities."""
        sums = sum(one.scores[2] * one.true for one in self.types.values())
        return sums / max(self.all.true, 1)

    def headline(self) -> tuple[Figure, ...]:
        """Return F1, precision and recall, and what else is of all entities."""
        precision, recall, f1 = self.all.scores
        counts = f"{self.all.found:,} of {{:,}} entities"
        said, true = counts.format(self.all.said), counts.format(self.all.true)
        return (
            Figure(name="f1", title="F1 of entities", value=f1, is_share=True),
            _share("precision", "precision", precision, f"{said} that are said"),
            _share("recall", "recall", recall, f"{true} that there are"),
            _share("macro_f1", "macro F1", self.macro_f1, "mean over the types"),
            _share("word_accuracy", "words with the right tag", self.word_accuracy, ""),
            Figure(name="loss", title="log loss", value=self.loss, note="nats"),
        )

    def breakdown(self) -> Breakdown:
        """Return precision, recall and F1 of each type."""
        groups = []
        for name, counts in self.types.items():
            precision, recall, f1 = counts.scores
            groups.append(
                Group(
                    name,
                    counts.true,
                    (
                        _share("precision", "precision", precision, ""),
                        _share("recall", "recall", recall, ""),
                        _share("f1", "F1", f1, ""),
                    ),
                )
            )
        mistakes = tuple((title, self.errors[kind]) for kind, title in _TITLES.items())
        return Breakdown("type", "types", tuple(groups), "f1", mistakes)


def _share(name: str, title: str, value: float, note: str) -> Figure:
    return Figure(name=name, title=title, value=value, note=note, is_share=True)


def _json(counts: EntityCounts) -> dict[str, float]:
    precision, recall, f1 = counts.scores
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "examples": counts.true,
        "said": counts.said,
        "found": counts.found,
    }


def measure(predictions: Predictions, tags: Sequence[str]) -> EntityFigures:
    """Return the figures of predictions.

    Args:
        predictions: labels of words; logits of rows that are words first and zeros
            then, see `TagObjective`.
        tags: names of the classes, BIO, O first.
    """
    labels, logits = predictions.labels, predictions.logits
    if not isinstance(labels, Ragged) or not isinstance(logits, Ragged):
        raise ValueError("expected a tag for each word")
    total, right, losses, kinds = 0, 0, [], collections.Counter[str]()
    by_type: dict[str, np.ndarray] = {
        tag[2:]: np.zeros(3, np.int64) for tag in tags if tag != tag_schemes.OUTSIDE
    }
    for row in range(len(labels)):
        true = labels[row]
        answers, read = said_tags(logits[row], len(true))
        losses.append(_losses(logits[row], true, read))
        total, right = total + len(true), right + int((answers == true).sum())
        own = tag_schemes.entities(tags[tag] for tag in true)
        said = tag_schemes.entities(tags[tag] for tag in answers)
        _add(by_type, own, said)
        kinds.update(kind for kind, _ in errors_of(own, said))
    read_words = sum(map(len, losses))
    return EntityFigures(
        examples=len(labels),
        words=total,
        cut_words=total - read_words,
        loss=float(np.concatenate(losses).mean()) if read_words else 0.0,
        word_accuracy=right / max(total, 1),
        all=EntityCounts(*map(int, sum(by_type.values(), np.zeros(3, np.int64)))),
        types={kind: EntityCounts(*map(int, one)) for kind, one in by_type.items()},
        errors={kind: kinds[kind] for kind in _TITLES},
    )


def _losses(rows: np.ndarray, true: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return the cross entropies of the words of a text that were read."""
    places = np.flatnonzero(read)
    return scores.cross_entropies(rows[places], true[places])


def said_tags(rows: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tag ids of words, int64 [words], and which rows were read, bool [k].

    Args:
        rows: [steps, tags], logits or probabilities.
        words: of the text; those behind the last row are outside of entities.
    """
    kept = rows[:words]
    answers = np.zeros(words, np.int64)
    answers[: len(kept)] = kept.argmax(axis=-1)
    return answers, np.asarray(kept.any(axis=-1))


def _add(
    by_type: Mapping[str, np.ndarray], true: Sequence[Entity], said: Sequence[Entity]
) -> None:
    """Add found, said and true entities of each type to [3]."""
    for place, entities in enumerate((set(true) & set(said), said, true)):
        for entity in entities:
            by_type[entity.type][place] += 1


def errors_of(
    true: Sequence[Entity], said: Iterable[Entity]
) -> Iterator[tuple[str, Entity]]:
    """Yield what is wrong with entities: each true one once, and each spurious one."""
    wrong = [one for one in said if one not in true]
    for entity in true:
        if entity in said:
            continue
        near = [one for one in wrong if _overlap(one, entity)]
        if not near:
            yield MISSED, entity
        elif any(one[1:] == entity[1:] for one in near):
            yield WRONG_TYPE, entity
        elif any(one.type == entity.type for one in near):
            yield WRONG_BORDER, entity
        else:
            yield WRONG_BOTH, entity
    for one in wrong:
        if not any(_overlap(one, entity) for entity in true):
            yield SPURIOUS, one


def _overlap(one: Entity, other: Entity) -> bool:
    return one.begin < other.end and other.begin < one.end
