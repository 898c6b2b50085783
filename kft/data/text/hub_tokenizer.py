"""Tokenizers as a tokenizer.json describes them, by the package `tokenizers`.

Byte-level BPE of GPT-2, RoBERTa and Llama kinds, and Unigram of XLM-RoBERTa and ALBERT.
What looks like a special token, such as </s>, is text like any other.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from kft import errors
from kft.data.text.text_extra import TEXT

# A text of which every tokenizer makes at least one token.
_PROBE = "a"


@dataclasses.dataclass(frozen=True)
class HubTokenizer:
    """All that decides which tokens a text becomes.

    Attributes:
        content: of tokenizer.json.
    """

    content: str

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "HubTokenizer":
        """Return what `to_json` wrote."""
        return cls(**values)

    @functools.cached_property
    def digest(self) -> str:
        """Return a digest of all of it."""
        return hashlib.blake2b(self.content.encode(), digest_size=16).hexdigest()

    @functools.cached_property
    def _tokenizer(self) -> Any:
        tokenizer = TEXT.require("tokenizers").Tokenizer.from_str(self.content)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        return tokenizer

    def tokenizer_json(self, *, max_length: int) -> str:
        """Return all of it as a tokenizer.json; see `TextTokenizer`."""
        values = json.loads(self.content)
        # A text would be searched for those that are special.
        added = values.get("added_tokens", [])
        values["added_tokens"] = [one for one in added if not one["special"]]
        values["padding"] = None
        whole = TEXT.require("tokenizers").Tokenizer.from_str(json.dumps(values))
        whole.enable_truncation(max_length)
        found: str = whole.to_str()
        return found

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Return the tokens by their ids; empty texts where an id has none."""
        ids = self._tokenizer.get_vocab(with_added_tokens=True)
        found = [""] * (max(ids.values()) + 1)
        for token, number in ids.items():
            found[number] = token
        return tuple(found)

    @functools.cached_property
    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the ids before and behind every text."""
        alone = self._tokenizer.encode(_PROBE, add_special_tokens=False).ids
        framed = self._tokenizer.encode(_PROBE, add_special_tokens=True).ids
        for begin in range(len(framed) - len(alone) + 1):
            if framed[begin : begin + len(alone)] == alone:
                return tuple(framed[:begin]), tuple(framed[begin + len(alone) :])
        raise ValueError("the tokens of a text are others within its frame")

    @property
    def begin_ids(self) -> tuple[int, ...]:
        """Return the ids before a text, such as that of <s>."""
        return self._frame[0]

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Return the ids behind a text, such as that of </s>."""
        return self._frame[1]

    @functools.cached_property
    def between_ids(self) -> tuple[int, ...]:
        """Return the ids between the two texts of a pair, such as </s></s>."""
        alone = self._tokenizer.encode(_PROBE, add_special_tokens=False).ids
        pair = self._tokenizer.encode(_PROBE, _PROBE, add_special_tokens=True).ids
        (begin, end), size = self._frame, len(alone)
        between = pair[len(begin) + size : len(pair) - len(end) - size]
        if pair != [*begin, *alone, *between, *alone, *end]:
            raise errors.ConfigError(
                "The tokenizer.json of this network puts other tokens around a pair of "
                "texts than around one, which is not understood. Choose another "
                "network for --pairs."
            )
        return tuple(between)

    @property
    def unknown_id(self) -> int:
        """Return the id that stands for a word without tokens: that of <unk>, or 0."""
        found = self._tokenizer.token_to_id("<unk>")
        return 0 if found is None else int(found)

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts alone; see `TextTokenizer.pieces`."""
        encoded = self._tokenizer.encode_batch_fast(
            list(texts), add_special_tokens=False
        )
        return [encoding.ids for encoding in encoded]

    def places(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the pieces of texts stand, in characters."""
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.offsets for encoding in encoded]

    def word_pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Return the ids of words with a blank before each."""
        return self.pieces([f" {word}" for word in words])

    def decode(self, ids: np.ndarray) -> str:
        """Return tokens as a text for people, without begin and end."""
        text: str = self._tokenizer.decode(ids.tolist(), skip_special_tokens=True)
        return text


def read(path: Traversable, flag: str) -> HubTokenizer:
    """Return the tokenizer of a tokenizer.json.

    Raises:
        errors.ConfigError: where it cannot be read.
    """
    try:
        found = HubTokenizer(path.read_bytes().decode("utf-8"))
        # The package says what it does not understand by no type of its own.
        found.pieces([_PROBE])
        found.begin_ids  # noqa: B018
    except errors.ConfigError:
        raise
    except Exception as error:
        raise errors.ConfigError(
            f"{flag}: its tokenizer.json cannot be read: {error}."
        ) from error
    return found
