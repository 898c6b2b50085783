"""Rows of a table that have labels, and maybe a split and a group."""

import dataclasses
import types
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples
from kft.data.examples import TRAIN
from kft.data.label_arrays import Labels
from kft.data.labels import LabelMap
from kft.data.sources import name_pairs, row_labels, split_words, table_file
from kft.data.sources.table_file import TableRow

_LABEL, _SPLIT, _GROUP = "label", "split", "group"


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns that a kind of table has, besides split and group.

    Attributes:
        content: that of the examples themselves.
        label: that of what is to be learned.
        more: those that belong to the examples, too.
        others: those that may be missing.
        called: what some are called where `--csv_columns` does not say so, and it is
            not what they are.
        label_synonyms: what that of what is to be learned may be called besides, where
            a table of others' making is read.
    """

    content: str
    label: str = _LABEL
    more: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    called: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: types.MappingProxyType({})
    )
    label_synonyms: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class LabelledRow(TableRow):
    """A row of a table, whose values are by what they are.

    Attributes:
        labels: the names of its classes: one; with `--multi_label` any number.
    """

    labels: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class RowClasses:
    """What the rows of a table say besides the examples themselves.

    Attributes:
        labels: the classes of the training rows, sorted; or those of
            `--label_columns`, as that has them.
        targets: of each row, as `Examples.labels` has them.
        split_names: str [n], the split of each row; `train` where the table names none.
        groups: str [n], the group of each row; None where the table has none.
    """

    labels: LabelMap
    targets: Labels
    split_names: np.ndarray
    groups: np.ndarray | None


def flag(config: config_lib.DataConfig) -> str:
    """Return the flag that names the table, for messages."""
    return f"--dataset={config.dataset}"


def warn(cautions: Iterable[str], config: config_lib.DataConfig) -> None:
    """Log sentences that say what to know of the data."""
    for sentence in cautions:
        logging.warning("%s: %s", flag(config), sentence)


def read(
    path: str,
    columns: Columns,
    config: config_lib.DataConfig,
) -> list[LabelledRow]:
    """Return the rows with their values by what they are, whatever the columns' names.

    Args:
        path: of the table.
        columns: what is in it.
        config: of the data.

    Raises:
        errors.ConfigError: where there is no such file, or `--csv_columns` or
            `--label_columns` is wrong.
        errors.DataError: where it is no such table, naming the line.
    """
    rows = read_part(path, columns, config, table=flag(config))
    check_named(rows, config)
    return rows


def read_part(
    path: str,
    columns: Columns,
    config: config_lib.DataConfig,
    *,
    table: str,
    read_rows: Callable[..., list[TableRow]] = table_file.read_rows,
) -> list[LabelledRow]:
    """Return the rows of a table that may be one of several, as `read` does.

    What `check_named` checks is left to do, for all of them together.

    Args:
        path: of the table.
        columns: what is in it.
        config: of the data.
        table: what names it, for messages.
        read_rows: takes what `table_file.read_rows` takes, and returns the rows.

    Raises:
        errors.ConfigError, errors.DataError: see `read`.
    """
    examples_are = (columns.content, *columns.more)
    needed = examples_are if config.class_columns else (*examples_are, columns.label)
    others = (*columns.others, _SPLIT, _GROUP)
    names = _column_names(config, needed, others, columns.called)
    row_labels.check_columns(config.class_columns, names.values())
    rows = read_rows(
        path,
        flag=table,
        needed=[
            *(names[part] for part in needed),
            *(name.lower() for name in config.class_columns),
        ],
        optional=[names[part] for part in others if part in names],
        advice=_advice(needed, config),
    )
    filled = examples_are if config.is_multi_label else needed
    rows = table_file.filled(rows, [names[part] for part in filled])
    parts = {part: name for part, name in names.items() if name in rows[0].values}
    return [
        LabelledRow(
            row.line,
            {part: row.values[name] for part, name in parts.items()},
            row.flag,
            _labels_of(row, names.get(columns.label), config),
        )
        for row in rows
    ]


def check_named(rows: Sequence[LabelledRow], config: config_lib.DataConfig) -> None:
    """Check that each column that `--csv_columns` names is in some table.

    Args:
        rows: of all tables.
        config: of the data.

    Raises:
        errors.DataError: for one that is in none.
    """
    there = {part for row in rows for part in row.values}
    for pair in config.csv_columns:
        part, _, name = pair.partition("=")
        if part.strip() not in there:
            tables = " and ".join(dict.fromkeys(row.flag for row in rows))
            raise errors.DataError(
                f"{tables}: expected a column {name.strip()!r}, as "
                f"--csv_columns={pair} says; there is none."
            )


def _column_names(
    config: config_lib.DataConfig,
    needed: Sequence[str],
    others: Sequence[str],
    called: Mapping[str, str],
) -> Mapping[str, str]:
    """Return what the columns of some parts are called, in lower case."""
    usual = {name: called.get(name, name) for name in (*needed, *others)}
    names = name_pairs.parse("csv_columns", config.csv_columns, usual, needed=needed)
    return {part: name.lower() for part, name in names.items()}


def _advice(needed: Sequence[str], config: config_lib.DataConfig) -> str:
    """Return what to do where a column is missing."""
    pairs = ",".join(f"{part}=NAME" for part in (needed[0], needed[-1]))
    if config.class_columns:
        return (
            f"Columns of other names are told with --csv_columns={needed[0]}=NAME, and "
            "those that are classes with --label_columns=NAME,NAME."
        )
    advice = (
        f"Columns of other names are told with --csv_columns={pairs}; a table without "
        "names needs a first line that has them."
    )
    if config.is_multi_label:
        advice += " Where each class has a column of 0 and 1: --label_columns=NAME,NAME"
    return advice


def _labels_of(
    row: TableRow, label: str | None, config: config_lib.DataConfig
) -> tuple[str, ...]:
    """Return the classes of a row; `label` is the name of the column that says them."""
    if config.class_columns or label is None:
        return row_labels.of_switches(row.values, config.class_columns, row.place)
    if config.is_multi_label:
        return row_labels.of_text(row.values[label], row.place)
    return (row.values[label],)


def classes(
    rows: Sequence[LabelledRow],
    config: config_lib.DataConfig,
    *,
    known: LabelMap | None = None,
) -> RowClasses:
    """Return what rows say of labels, splits and groups.

    Args:
        rows: as `read` gives them, at least one.
        config: of the data.
        known: classes of a run, which come first among the labels; then there need be
            no training rows.

    Raises:
        errors.DataError: naming the line that cannot be.
    """
    named = split_names(rows)
    if known is not None:
        label_map = known.with_others(name for row in rows for name in row.labels)
    else:
        check_training(named, config)
        label_map = _labels(rows, named, config)
    check_groups(rows, named)
    return RowClasses(
        labels=label_map,
        targets=row_labels.targets(
            [row.labels for row in rows],
            label_map,
            is_multi_label=config.is_multi_label,
        ),
        split_names=np.array(named),
        groups=groups_of(rows),
    )


def split_names(rows: Sequence[TableRow]) -> list[str]:
    """Return the split of each row; `train` where the table names none.

    Raises:
        errors.DataError: naming the line that has none.
    """
    if "split" not in rows[0].values:
        return [TRAIN] * len(rows)
    named = []
    for row in rows:
        split = split_words.of_name(row.values["split"])
        if split is None:
            raise errors.DataError(
                f"{row.place}: expected the split {', '.join(examples.SPLITS)}, "
                f"received {row.values['split']!r}. Fill "
                "the column in every row, or remove it to have the splits cut."
            )
        named.append(split)
    return named


def check_training(split_names: Sequence[str], config: config_lib.DataConfig) -> None:
    """Check that there is something to train on.

    Raises:
        errors.DataError: where no row is of the training split.
    """
    if TRAIN not in split_names:
        raise errors.DataError(
            f"{flag(config)}: expected rows of the split {TRAIN}, received none."
        )


def _labels(
    rows: Sequence[LabelledRow],
    split_names: Sequence[str],
    config: config_lib.DataConfig,
) -> LabelMap:
    """Return the classes of the training rows, sorted; the others may have no more.

    Columns that are classes are all that there are, in the order of the flag.
    """
    if config.class_columns:
        return LabelMap(config.class_columns)
    pairs = list(zip(rows, split_names, strict=True))
    of_training = (row.labels for row, split in pairs if split == TRAIN)
    names = sorted({name for labels in of_training for name in labels})
    known = set(names)
    if len(known) < 2:
        raise errors.DataError(
            f"{flag(config)}: expected training rows of at least 2 classes, received "
            f"{len(known)}: {', '.join(map(repr, names)) or 'none'}. Where another "
            "column has them: --csv_columns=label=NAME."
        )
    for row, split in pairs:
        for label in row.labels:
            if label not in known:
                raise errors.DataError(
                    f"{row.place}: expected in {split} only labels "
                    f"that training rows have, received {label!r}. "
                    f"{errors.closest(label, names)}"
                )
    return LabelMap(tuple(names))


def groups_of(rows: Sequence[TableRow]) -> np.ndarray | None:
    """Return the group of each row, str [n]; None where the table has none."""
    if "group" not in rows[0].values:
        return None
    return np.array([row.values["group"] for row in rows])


def check_groups(rows: Sequence[TableRow], split_names: Sequence[str]) -> None:
    """Check that the table itself puts no group in two splits.

    Raises:
        errors.DataError: naming the line and the group.
    """
    first: dict[str, tuple[TableRow, str]] = {}
    for row, split in zip(rows, split_names, strict=True):
        group = row.values.get("group")
        if not group:
            continue
        earlier, before = first.setdefault(group, (row, split))
        if before != split:
            raise errors.DataError(
                f"{row.place}: expected the group {group!r} in one split, received "
                f"{split}, and {before} in {earlier.seen_from(row)}."
            )
