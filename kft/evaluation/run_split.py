"""The examples that a finished run is measured on."""

import csv
import dataclasses
from collections.abc import Sequence

import numpy as np
from absl import logging

from kft import errors, tasks
from kft.config import RunConfig
from kft.data import label_arrays
from kft.data.examples import TRAIN, Examples, Splits
from kft.data.label_arrays import Labels
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.evaluation.load_run import LoadedRun
from kft.run_folder.run_dir import RunDir

ALL = "all"
_SHOWN = 5
# Of two lists of classes that are to be compared.
_SHOWN_CLASSES = 30


def of_split(trained: LoadedRun, split: str) -> Examples:
    """Return a split of the run as it was: split.csv says which examples it has.

    So examples that were added since do not count, and a change of what the data set
    itself calls its splits changes nothing.

    Raises:
        errors.RunDirError: where the run has no such split, or split.csv is damaged.
        errors.DataError: where the data is gone, in part or in whole.
    """
    ids = split_ids(trained.run, split)
    config = _whole(trained.config)
    examples = _all_examples(tasks.load_splits(config), trained.labels)
    positions = {name: position for position, name in enumerate(examples.ids)}
    missing = [name for name in ids if name not in positions]
    if missing:
        raise errors.DataError(
            f"--dataset={trained.config.dataset}: {len(missing)} of the {len(ids)} "
            f"{split} examples of the run are not there any more: "
            f"{_listed(missing)}. Put them back, or give other data with --data."
        )
    return examples.take(np.array([positions[name] for name in ids]))


def of_data(trained: LoadedRun, dataset: str, split: str) -> tuple[Examples, str]:
    """Return the examples of other data, with the class ids of the run, and its split.

    The split is `ALL` where the data has none of its own.

    Args:
        trained: the run; its classes are those that may occur.
        dataset: written like --dataset.
        split: what is taken where the data has splits of its own; else all is.

    Raises:
        errors.ConfigError: where there is no such data.
        errors.DataError: where it has other classes, or has splits but not this one.
    """
    # Other data may have no splits; that a class is called like one stays true.
    is_split = trained.config.folder_layout == "splits"
    config = dataclasses.replace(
        _whole(trained.config),
        dataset=dataset,
        train_split=None,
        validation_split=None,
        test_split=None,
        folder_layout="auto" if is_split else trained.config.folder_layout,
    )
    splits = tasks.load_splits(config)
    parts = splits.parts()
    if set(parts) == {TRAIN}:
        parts, split = {ALL: parts[TRAIN]}, ALL
    if split not in parts:
        raise errors.DataError(
            f"--data={dataset} has no {split} split. It has: {', '.join(parts)}; "
            "choose with --split."
        )
    return _relabelled(parts[split], splits.labels, trained.labels), split


def _whole(config: RunConfig) -> RunConfig:
    """Return the config with which no example is cut off or left out."""
    return dataclasses.replace(
        config,
        validation_fraction=0.0,
        test_fraction=0.0,
        split_file=None,
        examples_per_class=None,
    )


def has_split(run: RunDir, split: str) -> bool:
    """Return whether split.csv of a run names a split.

    Raises:
        errors.RunDirError: where split.csv is damaged.
    """
    return any(side == split for _, side in _read_split_csv(run))


def split_ids(run: RunDir, split: str) -> Sequence[str]:
    """Return the ids that split.csv gives to a split.

    Raises:
        errors.RunDirError: where it gives none, or is damaged.
    """
    rows = _read_split_csv(run)
    ids = [name for name, side in rows if side == split]
    if not ids:
        there = ", ".join(sorted({side for _, side in rows})) or "none"
        raise errors.RunDirError(
            f"--split={split}: the run has no such split; {run.split_csv} has: {there}."
            " Choose one of them, or give the data with --data."
        )
    return ids


def _read_split_csv(run: RunDir) -> Sequence[tuple[str, str]]:
    """Return id and split of every example of a run."""
    try:
        with open(run.split_csv, newline="", encoding="utf-8") as file:
            return [(row["id"], str(row["split"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise errors.RunDirError(
            f"{run.split_csv} cannot be read as a table of id, label and split: "
            f"{error!r}. Give the data with --data instead."
        ) from error


def _all_examples(splits: Splits, labels: LabelMap) -> Examples:
    parts = list(splits.parts().values())
    together = Examples(
        ids=np.concatenate([part.ids for part in parts]),
        labels=_joined([part.labels for part in parts]),
        rows=np.concatenate([part.rows for part in parts]),
        # All splits of a data set read from the same table.
        read=parts[0].read,
    )
    return _relabelled(together, splits.labels, labels)


def _joined(parts: Sequence[Labels]) -> Labels:
    """Return the labels of several splits, one after the other."""
    ragged = [part for part in parts if isinstance(part, Ragged)]
    if ragged:
        return Ragged.from_rows(
            part[row] for part in ragged for row in range(len(part))
        )
    return np.concatenate([np.asarray(part) for part in parts])


def _relabelled(examples: Examples, own: LabelMap, labels: LabelMap) -> Examples:
    """Return the examples with the class ids of the run, matched by name."""
    if own == labels:
        return examples
    counts = label_arrays.count(examples.labels, len(own))
    used = [own.names[index] for index in np.flatnonzero(counts)]
    strays = [name for name in used if name not in labels.names]
    if strays:
        raise errors.DataError(
            "The classes of the data have to be classes of the run.\n"
            f"  the run:  {_listed(labels.names, most=_SHOWN_CLASSES)}\n"
            f"  the data: {_listed(own.names, most=_SHOWN_CLASSES)}\n"
            f"The run does not know {_listed(strays)}. "
            f"{errors.closest(strays[0], labels.names, most=0)}"
        )
    logging.info("The data has other classes than the run; they are matched by name.")
    return dataclasses.replace(examples, labels=_matched(examples.labels, own, labels))


def _matched(found: Labels, own: LabelMap, labels: LabelMap) -> Labels:
    """Return labels of the data as labels of the run, which has all their classes."""
    ids = {name: labels.index(name) for name in own.names if name in labels.names}
    table = np.array([ids.get(name, 0) for name in own.names], dtype=np.int32)
    if isinstance(found, Ragged):
        return dataclasses.replace(found, values=table[found.values])
    if found.ndim == 1:
        return table[found]
    switches = np.zeros([len(found), len(labels)], found.dtype)
    known = [own.index(name) for name in ids]
    switches[:, table[known]] = found[:, known]
    return switches


def _listed(names: Sequence[str], *, most: int = _SHOWN) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
