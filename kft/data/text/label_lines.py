"""Labelled texts, a JSON object a line: text, label, maybe text_b, split, group."""

import math
from collections.abc import Mapping
from typing import Any

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.labels import LabelMap
from kft.data.sources import (
    filesystem,
    json_lines,
    labelled_rows,
    name_pairs,
    row_labels,
)
from kft.data.sources.json_lines import JsonLine
from kft.data.sources.labelled_rows import LabelledRow
from kft.data.text import repeated_texts, text_pairs, text_table

_LABEL, _OTHERS = "label", ("split", "group")


def check(path: str, config: config_lib.TextOptions) -> None:
    """Find mistakes in a file; a remote one waits for `load`.

    Raises: see `load`.
    """
    if not filesystem.is_remote(path):
        labelled_rows.classes(read(path, config), config)


def load(path: str, config: config_lib.TextOptions) -> examples.Splits:
    """Return the splits of a file.

    Raises:
        errors.ConfigError: where there is no such file, or `--jsonl_keys` is wrong.
        errors.DataError: for a line that cannot be, by its number.
    """
    rows = read(path, config)
    found = labelled_rows.classes(rows, config)
    made = splits.assemble(found.labels, text_table.of_rows(rows, found), config)
    repeated_texts.say(made, flag=labelled_rows.flag(config))
    return made


def load_known(
    path: str, config: config_lib.TextOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts for a run, of which classes may be missing; raises likewise."""
    rows = read(path, config)
    found = labelled_rows.classes(rows, config, known=known)
    return splits.uncut(found.labels, text_table.of_rows(rows, found))


def read(path: str, config: config_lib.TextOptions) -> list[LabelledRow]:
    """Return the rows by what their values are, whatever the keys; raises likewise."""
    needed = (*text_pairs.parts(pairs=config.pairs), _LABEL)
    keys = name_pairs.parse(
        "jsonl_keys",
        config.jsonl_keys,
        {name: name for name in (*needed, *_OTHERS)},
        needed=needed,
    )
    flag = labelled_rows.flag(config)
    lines = json_lines.read(path, flag)
    json_lines.check_keys(lines, config.jsonl_keys, flag)
    there = [n for n in _OTHERS if any(keys.get(n) in line.values for line in lines)]
    return [
        LabelledRow(
            line.number,
            _values(line, keys, there),
            flag,
            (_labels if config.is_multi_label else _label)(line, keys[_LABEL]),
        )
        for line in lines
    ]


def _values(
    line: JsonLine, keys: Mapping[str, str], others: list[str]
) -> dict[str, str]:
    texts = [part for part in text_pairs.PARTS if part in keys]
    values = {part: line.text(keys[part]) for part in texts}
    for name in others:
        value = line.values.get(keys[name])
        values[name] = "" if value is None else str(value)
    return values


def _labels(line: JsonLine, key: str) -> tuple[str, ...]:
    """Return the labels of a list, () for an empty one.

    Raises:
        errors.DataError: where it is none, is missing, or has a label twice.
    """
    found = line.values.get(key)
    if not isinstance(found, list):
        raise errors.DataError(
            f"{line.place}: expected a list of labels as {key!r} (--multi_label), [] "
            f"for none, received {found!r}. --jsonl_keys says what keys are called."
        )
    names = [name for one in found for name in _named(one, line, key)]
    return row_labels.checked(names, repr(found), line.place)


def _label(line: JsonLine, key: str) -> tuple[str]:
    """Return the label.

    Raises:
        errors.DataError: where it is none, or is missing.
    """
    return _named(line.values.get(key), line, key)


def _named(value: Any, line: JsonLine, key: str) -> tuple[str]:
    """Return a label, which may be a text, a number, or true or false.

    Raises:
        errors.DataError: where it is none of them.
    """
    if isinstance(value, str):
        return (line.checked(value, key).strip(),)
    if isinstance(value, int | float) and math.isfinite(value):
        return (str(value),)
    advice = " --multi_label takes a list of them." if isinstance(value, list) else ""
    raise errors.DataError(
        f"{line.place}: expected a label as {key!r}, received {value!r}. --jsonl_keys "
        f"says what keys are called.{advice}"
    )
