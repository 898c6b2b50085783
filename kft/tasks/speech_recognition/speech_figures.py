"""Rates of errors in words and characters: edits that make the text of what is said."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kft.data.audio.audio_extra import SPEECH
from kft.metrics.figures import Breakdown, Figure, Group

# Words of the longest texts in each group of the breakdown; the last has all others.
_LENGTHS = (1, 2, 4, 8, 16)


class TextCounts(NamedTuple):
    """What a text adds to the sums.

    Attributes:
        characters: of the text.
        wrong_characters: edits that make it of what is said.
        words: of the text.
        wrong_words: edits of words likewise.
        silent: 1 where nothing is said.
    """

    characters: int
    wrong_characters: int
    words: int
    wrong_words: int
    silent: int


def count(text: str, said: str) -> TextCounts:
    """Return the counts of a text that is not empty."""
    jiwer = SPEECH.require("jiwer")
    said = " ".join(said.split())
    characters = jiwer.process_characters(text, said)
    words = jiwer.process_words(text, said)
    return TextCounts(
        len(text),
        characters.substitutions + characters.deletions + characters.insertions,
        len(text.split()),
        words.substitutions + words.deletions + words.insertions,
        int(not said),
    )


@dataclasses.dataclass(frozen=True)
class SpeechFigures:
    """What a recogniser is worth on sounds with texts.

    Attributes:
        loss: nats per character.
        all: counts of all texts.
        examples: sounds.
        by_length: counts and number of the texts of so many words.
        greedy: counts of all where the likeliest symbol of each step counts; None where
            it does in `all`, too.
    """

    loss: float
    all: TextCounts
    examples: int
    by_length: Mapping[str, tuple[int, TextCounts]]
    greedy: TextCounts | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything; see `kft.metrics.figures.Figures`."""
        return {
            "examples": self.examples,
            "loss": self.loss,
            "wer": _wer(self.all),
            "cer": _cer(self.all),
            "silent": self.all.silent / max(self.examples, 1),
            "characters": self.all.characters,
            "wrong_characters": self.all.wrong_characters,
            "words": self.all.words,
            "wrong_words": self.all.wrong_words,
            **self._of_greedy(),
            "lengths": [
                {
                    "words": name,
                    "examples": number,
                    "wer": _wer(counts),
                    "cer": _cer(counts),
                }
                for name, (number, counts) in self.by_length.items()
            ],
        }

    def _of_greedy(self) -> dict[str, float]:
        if self.greedy is None:
            return {}
        return {"greedy_wer": _wer(self.greedy), "greedy_cer": _cer(self.greedy)}

    def headline(self) -> tuple[Figure, ...]:
        """Return the rates of errors, and how often nothing is said."""
        counts, silent = self.all, self.all.silent / max(self.examples, 1)
        return (
            _share(
                "wer",
                "word error rate",
                _wer(counts),
                f"{counts.wrong_words:,} edits of {counts.words:,} words"
                + self._beside("greedy_wer"),
            ),
            _share(
                "cer",
                "character error rate",
                _cer(counts),
                f"{counts.wrong_characters:,} edits of {counts.characters:,}"
                + self._beside("greedy_cer"),
            ),
            _share(
                "silent", "sounds of which nothing is said", silent, _on_silence(silent)
            ),
            Figure(
                name="loss",
                title="loss",
                value=self.loss,
                note="nats per character",
            ),
        )

    def _beside(self, name: str) -> str:
        """Return what to say of a greedy figure beside the one of a beam search."""
        found = self._of_greedy()
        return f"; {found[name]:.4f} without the beam search" if found else ""

    def breakdown(self) -> Breakdown | None:
        """Return the rates of errors of texts by their number of words."""
        groups = tuple(
            Group(
                name,
                number,
                (
                    _share("wer", "word error rate", _wer(counts), ""),
                    _share("cer", "character error rate", _cer(counts), ""),
                ),
            )
            for name, (number, counts) in self.by_length.items()
        )
        return Breakdown("words", "lengths", groups, "wer", higher_is_better=False)


def measure(
    counts: Sequence[TextCounts],
    *,
    nats: float,
    greedy: Sequence[TextCounts] | None = None,
) -> SpeechFigures:
    """Return the figures of texts.

    Args:
        counts: of each.
        nats: the loss of all together.
        greedy: see `SpeechFigures`, of each.
    """
    by_length: dict[str, tuple[int, TextCounts]] = {}
    least = 1
    for most in (*_LENGTHS, None):
        own = [one for one in counts if least <= one.words <= (most or one.words)]
        if own:
            by_length[_length_name(least, most)] = len(own), _sum(own)
        least = (most or 0) + 1
    total = _sum(counts)
    return SpeechFigures(
        loss=nats / max(total.characters, 1),
        all=total,
        examples=len(counts),
        by_length=by_length,
        greedy=None if greedy is None else _sum(greedy),
    )


def _sum(counts: Sequence[TextCounts]) -> TextCounts:
    columns = np.array(counts, np.int64).reshape(-1, len(TextCounts._fields))
    return TextCounts(*map(int, columns.sum(axis=0)))


def _length_name(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} and more"
    return str(most) if least == most else f"{least} to {most}"


def _wer(counts: TextCounts) -> float:
    return counts.wrong_words / max(counts.words, 1)


def _cer(counts: TextCounts) -> float:
    return counts.wrong_characters / max(counts.characters, 1)


def _on_silence(share: float) -> str:
    if share < 1:
        return ""
    return "every output is blank: train the head alone first, longer, or faster"


def _share(name: str, title: str, value: float, note: str) -> Figure:
    return Figure(name=name, title=title, value=value, note=note, is_share=True)
