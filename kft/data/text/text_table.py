"""Texts that a table holds: text and label, maybe text_b, split and group.

An example is known by a digest of its text, so its split stays the same when rows are
added, moved or removed. Where the table names neither splits nor groups, equal texts
stay in one split.
"""

from collections.abc import Sequence

import numpy as np

from kft import config as config_lib
from kft.data import content_ids, examples, splits
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, labelled_rows
from kft.data.sources.labelled_rows import Columns, LabelledRow, RowClasses
from kft.data.sources.table_file import TableRow
from kft.data.text import repeated_texts, text_pairs
from kft.data.text.text_reader import TextReader


def check(path: str, config: config_lib.TextOptions) -> None:
    """Find mistakes in a table; a remote one waits for `load`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        labelled_rows.classes(_read(path, config), config)


def load(path: str, config: config_lib.TextOptions) -> examples.Splits:
    """Return the splits of a table.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    rows = _read(path, config)
    found = labelled_rows.classes(rows, config)
    made = splits.assemble(found.labels, of_rows(rows, found), config)
    repeated_texts.say(made, flag=labelled_rows.flag(config))
    return made


def load_known(
    path: str, config: config_lib.TextOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts of a table for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    rows = _read(path, config)
    found = labelled_rows.classes(rows, config, known=known)
    return splits.uncut(found.labels, of_rows(rows, found))


def _read(path: str, config: config_lib.TextOptions) -> list[LabelledRow]:
    first, *more = text_pairs.parts(pairs=config.pairs)
    return labelled_rows.read(path, Columns(first, more=tuple(more)), config)


def of_rows(rows: Sequence[TableRow], found: RowClasses) -> examples.Table:
    """Return the texts of rows that have `text`, and maybe `text_b`, as values."""
    parts = [part for part in text_pairs.PARTS if part in rows[0].values]
    payloads = [
        text_pairs.join([row.values[part] for part in parts]).encode() for row in rows
    ]
    digests = [content_ids.digest(payload) for payload in payloads]
    groups = found.groups
    if groups is None and "split" not in rows[0].values:
        groups = np.array(digests)
    return examples.Table(
        ids=np.array(content_ids.numbered(digests)),
        labels=found.targets,
        sizes=np.array([len(payload) for payload in payloads], np.int64),
        split_names=found.split_names,
        read=TextReader(payloads),
        groups=groups,
    )
