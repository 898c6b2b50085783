"""Texts with entities at places in them, a JSON object a line.

`{"text": "Ada lives in Rome.", "entities": [[0, 3, "person"], [13, 17, "place"]]}`
with places in characters: from where to before what. An entity may also be an object
with start, end and label, as annotation tools write it.
"""

import itertools
from collections.abc import Mapping
from typing import Any

from kft import config as config_lib
from kft import errors
from kft.data import examples
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, json_lines, name_pairs, split_words
from kft.data.sources.json_lines import JsonLine
from kft.data.text import tag_schemes, tagged_texts, words
from kft.data.text.tag_schemes import Entity
from kft.data.text.tagged_texts import TaggedText
from kft.data.text.words import WordSpan

_TEXT, _ENTITIES, _SPLIT = "text", "entities", "split"


def check(path: str, config: config_lib.TagOptions) -> None:
    """Find mistakes in a file; a remote one waits for `load`.

    Raises: see `load`.
    """
    if not filesystem.is_remote(path):
        read(path, config)


def load(path: str, config: config_lib.TagOptions) -> examples.Splits:
    """Return the splits of a file.

    Raises:
        errors.ConfigError: where there is no such file, or `--jsonl_keys` is wrong.
        errors.DataError: for a line that cannot be, such as an entity that begins
            within a word.
    """
    return tagged_texts.assemble(read(path, config), config)


def load_known(
    path: str, config: config_lib.TagOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts for a run, of which types may be missing; raises like `load`."""
    return tagged_texts.known(read(path, config), known)


def read(path: str, config: config_lib.TagOptions) -> list[TaggedText]:
    """Return the texts with the tags of their words; raises like `load`."""
    keys = name_pairs.parse(
        "jsonl_keys",
        config.jsonl_keys,
        {name: name for name in (_TEXT, _ENTITIES, _SPLIT)},
        needed=(_TEXT, _ENTITIES),
    )
    lines = json_lines.read(path, f"--dataset={config.dataset}")
    names_splits = keys.get(_SPLIT) in lines[0].values
    return [_tagged(line, keys, names_splits=names_splits) for line in lines]


def _tagged(
    line: JsonLine, keys: Mapping[str, str], *, names_splits: bool
) -> TaggedText:
    text = line.text(keys[_TEXT])
    given = line.values.get(keys[_ENTITIES])
    if not isinstance(given, list):
        raise errors.DataError(
            f"{line.place}: expected a list as {keys[_ENTITIES]!r}, received "
            f"{given!r}. --jsonl_keys says what keys are called, such as "
            "entities=label."
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
    split = None
    if names_splits:
        split = split_words.of_name(str(line.values.get(keys[_SPLIT])))
        if split is None:
            raise errors.DataError(
                f"{line.place}: expected the split {', '.join(examples.SPLITS)} as "
                f"{keys[_SPLIT]!r}, received {line.values.get(keys[_SPLIT])!r}."
            )
    return TaggedText(text, tag_schemes.written(found, len(places)), split)


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
