"""Words with a tag each, a JSON object a line, as Hugging Face data sets have them.

`{"tokens": ["Ada", "lives", "in", "Rome"], "ner_tags": ["B-PER", "O", "O", "B-LOC"]}`
Tags are texts, or numbers whose names `--tag_names` has.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kft import errors
from kft.data.sources import json_lines
from kft.data.sources.json_lines import JsonLine
from kft.data.text import tag_schemes, words


class TokenLine(NamedTuple):
    """A sentence as a line has it.

    Attributes:
        place: file and line, for messages.
        words: of the sentence.
        tags: of the words, in the scheme of the file.
    """

    place: str
    words: Sequence[str]
    tags: Sequence[str]

    def place_of(self, position: int) -> str:
        """Return where a word is, for messages."""
        return f"{self.place}, word {position + 1} ({self.words[position]!r})"


def read(
    line: JsonLine, *, tokens_key: str, tags_key: str, names: Sequence[str]
) -> TokenLine:
    """Return the words of a line and their tags.

    Args:
        line: of the file.
        tokens_key: what the list of words is called.
        tags_key: what the list of tags is called.
        names: of tags that are numbers, from 0 on; empty where none are given.

    Raises:
        errors.DataError: for a line that cannot be, such as one with more tags than
            words.
    """
    tokens = _list(line, tokens_key)
    tags = _list(line, tags_key)
    if len(tokens) != len(tags) or not tokens:
        raise errors.DataError(
            f"{line.place}: expected as many {tags_key} as {tokens_key}, at least one, "
            f"received {len(tags)} for {len(tokens)}: {errors.excerpt(repr(tokens))}."
        )
    for position, token in enumerate(tokens, start=1):
        _check_word(token, f"{line.place}, word {position}")
    found = TokenLine(line.place, tokens, tags)
    named = [
        _tag(tag, names, found.place_of(position), tags_key)
        for position, tag in enumerate(tags)
    ]
    return found._replace(tags=named)


def _list(line: JsonLine, key: str) -> list[Any]:
    value = line.values.get(key)
    if not isinstance(value, list):
        raise errors.DataError(
            f"{line.place}: expected a list as {key!r}, received "
            f"{errors.excerpt(repr(value))}."
        )
    return value


def _check_word(token: Any, where: str) -> None:
    if not json_lines.is_text(token) or words.SEPARATOR in token:
        raise errors.DataError(f"{where}: expected a word, received {token!r}.")


def _tag(tag: Any, names: Sequence[str], where: str, key: str) -> str:
    if type(tag) is int:
        return _name(tag, names, where, key)
    if not isinstance(tag, str):
        raise errors.DataError(
            f"{where}: expected a tag such as B-PER, or its number, received {tag!r}."
        )
    try:
        tag_schemes.check(tag)
    except ValueError as error:
        raise errors.DataError(
            f"{where}: {error}. A tag that is only a type, such as PER, is I-PER here."
        ) from error
    return tag


def _name(number: int, names: Sequence[str], where: str, key: str) -> str:
    if not names:
        raise errors.DataError(
            f"{where}: expected a tag such as B-PER, received the number {number}. "
            "--tag_names=O,B-PER,I-PER says what numbers mean, from 0 on; the package "
            f"datasets has it as dataset.features[{key!r}].feature.names."
        )
    if not 0 <= number < len(names):
        raise errors.DataError(
            f"{where}: expected a number from 0 to {len(names) - 1}, as --tag_names "
            f"has {len(names)} names, received {number}."
        )
    return names[number]
