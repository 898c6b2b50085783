"""The form in which a network reads texts: tokens of one text, or of a pair."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kft.data.text import text_pairs
from kft.data.text.text_tokenizer import TextTokenizer
from kft.tasks.text_classification import tokenizer_metadata

_PAIRS, _TYPES = "pairs", "token_types"


@dataclasses.dataclass(frozen=True)
class TextForm:
    """What decides the inputs of a network.

    Attributes:
        tokenizer: what makes tokens of a text.
        max_length: most tokens, with those before, between and behind texts.
        pairs: whether an example is two texts.
        has_types: whether the network reads which of the two a token is of.
    """

    tokenizer: TextTokenizer
    max_length: int
    pairs: bool = False
    has_types: bool = False

    @property
    def tensors(self) -> tuple[str, ...]:
        """Return the names of the inputs, int32 [tokens] each.

        `token_ids`; `mask`, with ones; and `token_types`, 0 for the first text of a
        pair and 1 for the second.
        """
        types = (_TYPES,) if self.has_types else ()
        return ("token_ids", "mask", *types)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the names of the texts of an example."""
        return text_pairs.parts(pairs=self.pairs)

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of the inputs."""
        return dict.fromkeys(self.tensors, tf.TensorSpec([None], tf.int32))

    def metadata(self) -> dict[str, Any]:
        """Return what `read` reads, as JSON can hold it."""
        written = tokenizer_metadata.write(self.tokenizer, max_length=self.max_length)
        return {**written, _PAIRS: self.pairs, _TYPES: self.has_types}


def read(metadata: Mapping[str, Any]) -> TextForm:
    """Return what `TextForm.metadata` wrote; exports of before have single texts.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    tokenizer, max_length = tokenizer_metadata.read(metadata)
    return TextForm(
        tokenizer,
        max_length,
        pairs=metadata.get(_PAIRS, False),
        has_types=metadata.get(_TYPES, False),
    )
