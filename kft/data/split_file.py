"""Splits that a file gives, such as the split.csv of another run."""

from collections.abc import Mapping

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, label_arrays, labels
from kft.data.sources import table_file
from kft.data.sources.table_file import TableRow

# The split of examples that are in none.
LEFT_OUT = ""


def check(config: config_lib.DataConfig) -> None:
    """Find mistakes in the file itself, where there is one.

    Raises:
        errors.ConfigError: where it is missing, or another flag gives splits too.
        errors.DataError: where it is no such table, naming the line.
    """
    for name in ("train_split", "validation_split", "test_split"):
        if config.split_file is not None and getattr(config, name) is not None:
            raise errors.ConfigError(
                f"--split_file and --{name} both say what is in a split; remove one."
            )
    if config.split_file is not None:
        read(config.split_file)


def read(path: str) -> Mapping[str, TableRow]:
    """Return the rows of a file with the columns id, split and maybe label, by id.

    Raises:
        errors.ConfigError: where it is missing.
        errors.DataError: where it is no such table, naming the line.
    """
    flag = f"--split_file={path}"
    rows = table_file.read(
        path, flag=flag, needed=("id", "split"), optional=("label",), exact=True
    )
    by_id: dict[str, TableRow] = {}
    for row in rows:
        name, split = row.values["id"], row.values["split"]
        if split not in examples.SPLITS:
            raise errors.DataError(
                f"{flag}, line {row.line}: expected the split "
                f"{', '.join(examples.SPLITS)}, received {split!r}."
            )
        if name in by_id:
            raise errors.DataError(
                f"{flag}, line {row.line}: expected each id once, received {name!r} as "
                f"in line {by_id[name].line}."
            )
        by_id[name] = row
    return by_id


def split_names(
    path: str, label_map: labels.LabelMap, table: examples.Table
) -> np.ndarray:
    """Return the split that the file gives to each example, str [n].

    Examples that are not in the file are `LEFT_OUT`: those that were added since do not
    change what is compared.

    Raises:
        errors.ConfigError: where the file is missing.
        errors.DataError: where it is no such table, names examples that are not there,
            or gives them other labels.
    """
    flag, rows = f"--split_file={path}", read(path)
    known = set(table.ids.tolist())
    missing = [row for name, row in rows.items() if name not in known]
    if missing:
        raise errors.DataError(
            f"{flag}, line {missing[0].line}: expected ids of the data set, received "
            f"{missing[0].values['id']!r}. {len(missing)} of its {len(rows)} ids are "
            "not there; it may be the file of other data."
        )
    texts = label_arrays.texts(table.labels, label_map)
    for name, expected in zip(table.ids.tolist(), texts, strict=True):
        label = rows[name].values.get("label") if name in rows else None
        if label and label != expected:
            raise errors.DataError(
                f"{flag}, line {rows[name].line}: expected the label {expected!r} that "
                f"{name!r} has in the data set, received {label!r}."
            )
    left_out = len(known) - len(rows)
    if left_out:
        logging.warning("%s: %d examples are not in it; left out.", flag, left_out)
    return np.array(
        [rows[n].values["split"] if n in rows else LEFT_OUT for n in table.ids.tolist()]
    )
