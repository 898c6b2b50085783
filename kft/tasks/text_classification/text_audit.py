"""The checks of an audit of texts. No TensorFlow: many processes inspect at once."""

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kft.auditing import near_duplicates
from kft.auditing.checks import AuditedExample, NearCopies, Observation
from kft.data.text import text_pairs, text_payload, text_stats, text_tokenizer, words
from kft.data.text.text_stats import TextStats
from kft.data.text.text_tokenizer import TextTokenizer
from kft.tasks.text_classification import shaded_text

_SHOWN = 400


@dataclasses.dataclass(frozen=True)
class TextChecks:
    """What an audit asks of texts. See `kft.auditing.checks.Checks`.

    Attributes:
        tokenizer: of the network.
        max_length: most tokens that the network reads.
        pairs: whether an example is two texts.
        near_share: least similarity of near copies; None to look for none.
    """

    tokenizer: TextTokenizer
    max_length: int
    pairs: bool
    near_share: float | None

    @property
    def noun(self) -> str:
        """Return texts."""
        return "texts"

    @property
    def count_key(self) -> str:
        """Return the key of audit.json with their number."""
        return "texts"

    def start_process(self) -> None:
        """Do nothing: the tokenizer is made when it is needed."""

    def inspect(self, content: bytes) -> TextStats:
        """Return what a text is like.

        Raises:
            errors.DataError: for one that is not in UTF-8, or no pair.
            ValueError: for one without a word or sign.
        """
        text = text_payload.decode(content, "here")
        parts = text_pairs.split(text, "here") if self.pairs else (text,)
        frame = text_tokenizer.frame_length(self.tokenizer, pairs=self.pairs)
        tokens = sum(map(len, self.tokenizer.pieces(parts)))
        if not tokens:
            raise ValueError("expected at least one word or sign, there is none")
        return text_stats.measure("\n".join(map(words.readable, parts)), frame + tokens)

    def preview(self, content: bytes, name: str) -> str | None:
        """Return the begin of a text."""
        del name
        text = words.readable(content.decode("utf-8-sig", errors="replace"))
        shown = text.replace(text_pairs.SEPARATOR, " / ")
        return shaded_text.plain(
            f"{shown[:_SHOWN]} ..." if len(shown) > _SHOWN else shown
        )

    def describe(self, facts: TextStats) -> str:
        """Return its length."""
        return f"{facts.characters:,} characters, {facts.tokens:,} tokens"

    def near_copies(self, examples: Sequence[AuditedExample]) -> NearCopies | None:
        """Return texts that have most of their runs of characters in common."""
        if self.near_share is None:
            return None
        groups = []
        if examples:
            sketches = np.stack([example.facts.sketch for example in examples])
            pairs = text_stats.near_pairs(sketches, self.near_share)
            groups = near_duplicates.connected(pairs, len(examples))
        return NearCopies(
            groups=[[examples[place] for place in members] for members in groups],
            rule=f"They have at least {self.near_share:.0%} of their runs of four "
            "characters in common (MinHash), whatever case and white space.",
        )

    def observations(self, examples: Sequence[AuditedExample]) -> Sequence[Observation]:
        """Return texts that are cut, odd, or of another script than most."""
        usual = _usual_script(examples)
        return [
            _observation(
                examples,
                lambda facts: facts.tokens > self.max_length,
                f"longer than --max_length={self.max_length}",
                title="Texts that are cut",
                advice="The network does not read their end.",
                note=lambda facts: f"{facts.tokens:,} tokens",
            ),
            _observation(
                examples,
                lambda facts: facts.controls > 0,
                "control characters",
                title="Texts with control characters",
                advice="Or with U+FFFD, which stands for what could not be read: they "
                "were taken over damaged.",
                note=lambda facts: f"{facts.controls:,} of them",
            ),
            _observation(
                examples,
                lambda facts: facts.is_garbled,
                "UTF-8 read as something else",
                title="Texts in a wrong encoding",
                advice="They look like UTF-8 that was read as Windows-1252, such as "
                "'cafÃ©' for 'café'. Export the data again.",
                note=lambda facts: "",
            ),
            _observation(
                examples,
                lambda facts: facts.markup > 0,
                "markup",
                title="Texts with markup",
                advice="HTML is read like words: take it out unless it says something.",
                note=lambda facts: f"{facts.markup:,} tags and entities",
            ),
            _observation(
                examples,
                lambda facts: facts.script not in (usual, None),
                f"another script than {usual}",
                title="Texts in another script than most",
                advice="A network of one language makes little of them.",
                note=lambda facts: str(facts.script),
            ),
        ]

    def remarks(self, examples: Sequence[AuditedExample]) -> Sequence[str]:
        """Return lengths, and the share that is cut."""
        said = []
        lengths = _lengths(examples)
        if lengths is not None:
            cut = sum(e.facts.tokens > self.max_length for e in examples)
            said.append(
                f"{lengths[0]:,} to {lengths[2]:,} tokens, median {lengths[1]:,}; "
                f"--max_length={self.max_length} cuts {cut / len(examples):.1%}."
            )
        if self.near_share is None:
            said.append("Near copies were not looked for (--near_share=none).")
        return said

    def to_json(self, examples: Sequence[AuditedExample]) -> dict[str, Any]:
        """Return lengths, and every odd text by its name."""
        return {
            "tokens": _lengths(examples),
            "near_share": self.near_share,
            "observations": {
                one.name: [
                    {**example.named(), "note": one.note(example)}
                    for example in one.examples
                ]
                for one in self.observations(examples)
            },
        }


def _observation(
    examples: Sequence[AuditedExample],
    is_odd: Callable[[TextStats], bool],
    name: str,
    *,
    title: str,
    advice: str,
    note: Callable[[TextStats], str],
) -> Observation:
    odd = [example for example in examples if is_odd(example.facts)]
    return Observation(name, odd, title, advice, lambda example: note(example.facts))


def _usual_script(examples: Sequence[AuditedExample]) -> str | None:
    """Return the script of most texts; None where none has letters."""
    counts = collections.Counter(
        example.facts.script for example in examples if example.facts.script
    )
    return counts.most_common(1)[0][0] if counts else None


def _lengths(examples: Sequence[AuditedExample]) -> list[int] | None:
    """Return smallest, median and largest number of tokens."""
    if not examples:
        return None
    found = np.percentile([e.facts.tokens for e in examples], [0, 50, 100])
    lengths: list[int] = found.astype(int).tolist()
    return lengths
