"""Texts with entities at places in them, a JSON object a line.

`{"text": "Ada lives in Rome.", "entities": [[0, 3, "person"], [13, 17, "place"]]}`
with places in characters: from where to before what. An entity may also be an object
with start, end and label, as annotation tools write it.
"""

import itertools
from typing import Any

from kft import errors
from kft.data.sources.json_lines import JsonLine
from kft.data.text import tag_schemes, words
from kft.data.text.tag_schemes import Entity
from kft.data.text.words import WordSpan


def read(line: JsonLine, *, text_key: str, entities_key: str) -> tuple[str, list[str]]:
    """Return the text of a line and the tags of its words, BIO.

    Raises:
        errors.DataError: for a line that cannot be, such as an entity that begins
            within a word.
    """
    text = line.text(text_key)
    given = line.values.get(entities_key)
    if not isinstance(given, list):
        raise errors.DataError(
            f"{line.place}: expected a list as {entities_key!r}, received {given!r}. "
            "--jsonl_keys says what keys are called, such as entities=label."
        )
    places = words.spans(text)
    found = sorted(
        (_entity(one, text, places, line.place) for one in given),
        key=lambda one: one.begin,
    )
    for before, after in itertools.pairwise(found):
        if after.begin < before.end:
            raise errors.DataError(
                f"{line.place}: expected entities that do not overlap, received "
                f"{before.type} and {after.type} at words {after.begin + 1} to "
                f"{before.end} of {text!r}."
            )
    return text, tag_schemes.written(found, len(places))


def _entity(given: Any, text: str, places: list[WordSpan], where: str) -> Entity:
    """Return an entity by its words.

    Raises:
        errors.DataError: where it is none, or does not begin and end where words do.
    """
    if isinstance(given, dict):
        given = [given.get(key) for key in ("start", "end", "label")]
    is_entity = (
        isinstance(given, list)
        and len(given) == 3
        and all(type(one) is int for one in given[:2])
        and isinstance(given[2], str)
        and given[2].strip() == given[2] != ""
    )
    if not is_entity:
        raise errors.DataError(
            f"{where}: expected an entity as [start, end, label] or as an object with "
            f"these keys, received {given!r}."
        )
    start, end, label = given
    begins = [place.begin for place in places]
    ends = [place.end for place in places]
    if start not in begins or end not in ends or end <= start:
        raise errors.DataError(
            f"{where}: expected {label} to begin and end where words do, received "
            f"{text[start:end]!r} at {start} to {end} of {text!r}. Places are in "
            "characters, blanks at their ends do not belong to them."
        )
    return Entity(label, begins.index(start), ends.index(end) + 1)
