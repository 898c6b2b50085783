"""The way from a text to tokens, as the metadata of an export has it."""

from collections.abc import Mapping
from typing import Any

from kft.data.text import text_tokenizer, wordpiece
from kft.data.text.text_tokenizer import TextTokenizer

_MAX_LENGTH, _TOKENIZER = "max_length", "tokenizer"


def write(tokenizer: TextTokenizer, *, max_length: int) -> dict[str, Any]:
    """Return the metadata: `max_length`, most tokens, and `tokenizer`.

    The tokenizer is as `text_tokenizer.to_json` has it, with its vocabulary.
    """
    return {_MAX_LENGTH: max_length, _TOKENIZER: text_tokenizer.to_json(tokenizer)}


def companions(tokenizer: TextTokenizer, *, max_length: int) -> dict[str, bytes]:
    """Return tokenizer.json, for exports that take tokens.

    Args:
        tokenizer: of the network.
        max_length: most tokens that it reads.
    """
    written = tokenizer.tokenizer_json(max_length=max_length)
    return {wordpiece.TOKENIZER: written.encode()}


def read(metadata: Mapping[str, Any]) -> tuple[TextTokenizer, int]:
    """Return the tokenizer, and the most tokens of a text.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    return text_tokenizer.from_json(metadata[_TOKENIZER]), metadata[_MAX_LENGTH]
