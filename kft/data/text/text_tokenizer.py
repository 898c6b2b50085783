"""Tokenizers of texts: what decides which tokens a text becomes."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any, Protocol

import numpy as np

from kft import errors
from kft.data.text import hub_tokenizer, text_pairs, wordpiece
from kft.data.text.hub_tokenizer import HubTokenizer
from kft.data.text.wordpiece import TOKENIZER, WordPiece

_KIND = "kind"
_WORDPIECE, _HUB = "wordpiece", "hub"


class TextTokenizer(Protocol):
    """What makes tokens of texts; its values are all that decides them."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """Return the tokens by their ids."""

    @property
    def begin_ids(self) -> tuple[int, ...]:
        """Return the ids before a text."""

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Return the ids behind a text."""

    @property
    def between_ids(self) -> tuple[int, ...]:
        """Return the ids between the two texts of a pair."""

    @property
    def unknown_id(self) -> int:
        """Return the id that stands for a word without tokens."""

    @property
    def digest(self) -> str:
        """Return a digest of all of it."""

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts alone, without what stands before and behind them.

        Raises:
            errors.ConfigError: where a package is not installed.
        """

    def places(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the pieces of texts stand, [begin, end) in characters."""

    def word_pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Return the ids of words that others may stand before; raises likewise."""

    def decode(self, ids: np.ndarray) -> str:
        """Return tokens as a text for people, without begin and end."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, as JSON can hold it."""

    def tokenizer_json(self, *, max_length: int) -> str:
        """Return a tokenizer.json with which `tokenizers` does all of it.

        What looks like a special token is text there, too; texts are cut at that many
        tokens, and of a pair the longer one first.
        """


def encode(
    tokenizer: TextTokenizer, texts: Sequence[str], *, max_length: int
) -> list[tuple[np.ndarray, int]]:
    """Return token ids of texts, int32 [tokens], and how many there are uncut.

    Args:
        tokenizer: what decides them.
        texts: of any length.
        max_length: most tokens, with those that stand before and behind a text.
    """
    begin, end = list(tokenizer.begin_ids), list(tokenizer.end_ids)
    most = max_length - len(begin) - len(end)
    return [
        (
            np.array([*begin, *pieces[:most], *end], np.int32),
            len(begin) + len(pieces) + len(end),
        )
        for pieces in tokenizer.pieces(texts)
    ]


@dataclasses.dataclass(frozen=True, eq=False)
class PairTokens:
    """The tokens of a pair of texts.

    Attributes:
        ids: int32 [tokens].
        types: int32 [tokens], 0 up to the begin of the second text, 1 from there on.
        uncut: how many tokens there are where nothing is cut.
    """

    ids: np.ndarray
    types: np.ndarray
    uncut: int


def frame_length(tokenizer: TextTokenizer, *, pairs: bool) -> int:
    """Return how many tokens stand before, between and behind the texts."""
    between = tokenizer.between_ids if pairs else ()
    return len(tokenizer.begin_ids) + len(between) + len(tokenizer.end_ids)


def encode_pairs(
    tokenizer: TextTokenizer, pairs: Sequence[tuple[str, str]], *, max_length: int
) -> list[PairTokens]:
    """Return the tokens of pairs; the longer text of a pair is cut first.

    Args:
        tokenizer: what decides them.
        pairs: of any length.
        max_length: most tokens, with those before, between and behind the texts.
    """
    frame = frame_length(tokenizer, pairs=True)
    firsts = tokenizer.pieces([first for first, _ in pairs])
    seconds = tokenizer.pieces([second for _, second in pairs])
    found = []
    for first, second in zip(firsts, seconds, strict=True):
        kept, kept_b = text_pairs.lengths(len(first), len(second), max_length - frame)
        head = [*tokenizer.begin_ids, *first[:kept], *tokenizer.between_ids]
        tail = [*second[:kept_b], *tokenizer.end_ids]
        found.append(
            PairTokens(
                ids=np.array([*head, *tail], np.int32),
                types=np.repeat(np.arange(2, dtype=np.int32), [len(head), len(tail)]),
                uncut=frame + len(first) + len(second),
            )
        )
    return found


def kept_places(
    tokenizer: TextTokenizer, texts: Sequence[str], *, max_length: int
) -> list[list[tuple[int, int]]]:
    """Return where the tokens of one text or of a pair stand, in each of its texts.

    Args:
        tokenizer: what decides them.
        texts: one or two.
        max_length: as in `encode` or `encode_pairs`; what is cut has no place.
    """
    found = tokenizer.places(texts)
    most = max_length - frame_length(tokenizer, pairs=len(texts) > 1)
    if len(found) == 1:
        return [found[0][:most]]
    kept = text_pairs.lengths(len(found[0]), len(found[1]), most)
    return [places[:count] for places, count in zip(found, kept, strict=True)]


def read(folder: Traversable, flag: str) -> TextTokenizer:
    """Return the tokenizer of a folder as Hugging Face lays it out.

    Args:
        folder: has tokenizer.json; or vocab.txt, and maybe tokenizer_config.json.
        flag: what names the folder, for messages.

    Raises:
        errors.ConfigError: where there is none, or it cannot be read.
    """
    path = folder.joinpath(TOKENIZER)
    if not path.is_file():
        return wordpiece.read(folder, flag)
    try:
        kind = json.loads(path.read_bytes())["model"]["type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.ConfigError(
            f"{flag}: {TOKENIZER} cannot be read: {type(error).__name__}: {error}."
        ) from error
    if kind == "WordPiece":
        return wordpiece.read(folder, flag)
    return hub_tokenizer.read(path, flag)


def to_json(tokenizer: TextTokenizer) -> dict[str, Any]:
    """Return what `from_json` reads, as JSON can hold it."""
    kind = _WORDPIECE if isinstance(tokenizer, WordPiece) else _HUB
    return {_KIND: kind, **tokenizer.to_json()}


def from_json(values: Mapping[str, Any]) -> TextTokenizer:
    """Return what `to_json` wrote; exports of before have no kind."""
    own = {name: value for name, value in values.items() if name != _KIND}
    if values.get(_KIND, _WORDPIECE) == _WORDPIECE:
        return WordPiece.from_json(own)
    return HubTokenizer.from_json(own)
