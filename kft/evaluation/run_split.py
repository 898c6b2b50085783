"""The examples of a finished run, found again by its split.csv."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kft import errors, tasks
from kft.config import RunConfig
from kft.data.examples import Examples
from kft.data.label_arrays import Labels
from kft.data.ragged import Ragged
from kft.data.sources import given
from kft.evaluation import other_data
from kft.evaluation.load_run import LoadedRun
from kft.run_folder import data_place, split_csv
from kft.run_folder.run_dir import RunDir


class ExamplesGoneError(errors.DataError):
    """The examples of a run, which are not where the run says."""


def of_split(trained: LoadedRun, split: str) -> Examples:
    """Return a split of the run as it was: split.csv says which examples it has.

    So examples that were added since do not count, and a change of what the data set
    itself calls its splits changes nothing. They are looked for where the run was told
    that they are (`LoadedRun.data`), else at each of `data_place.candidates`.

    Raises:
        errors.RunDirError: where the run has no such split, or split.csv is damaged.
        ExamplesGoneError: where the data is gone, in part or in whole.
        errors.DataError: likewise, where its place was told.
    """
    ids = split_ids(trained.run, split)
    problems: list[errors.KftError] = []
    for config in _places(trained):
        try:
            return _chosen(trained, config, ids, split)
        except (errors.ConfigError, errors.DataError) as error:
            problems.append(error)
    # Data of which something is left says more than a place that is empty.
    told = [one for one in problems if isinstance(one, errors.DataError)]
    problem = (told or problems)[0]
    if trained.data is not None:
        raise problem
    raise ExamplesGoneError(
        f"{problem} The run needs its {split} examples for this{_advice(trained)}"
    ) from problem


def _advice(trained: LoadedRun) -> str:
    """Return what to do about examples that are gone, whichever command needs them."""
    kind, colon, _ = trained.config.dataset.partition(":")
    if kind == given.KIND:
        return "; kft.evaluate --data=KIND:PLACE measures it on others."
    return (
        ": put them back, or say where they are now with "
        f"--data={kind}{colon and ':PLACE'}, which kft.evaluate, kft.export and "
        "kft.report take."
    )


def _places(trained: LoadedRun) -> Sequence[RunConfig]:
    if trained.data is None:
        return data_place.candidates(trained.config, trained.run)
    return [dataclasses.replace(trained.config, dataset=trained.data)]


def _chosen(
    trained: LoadedRun, config: RunConfig, ids: Sequence[str], split: str
) -> Examples:
    """Return the examples of some ids.

    Raises:
        errors.ConfigError: where there is no data.
        errors.DataError: where an example is missing.
    """
    found = tasks.load_known(other_data.whole(config), trained.labels)
    examples = _together(list(found.parts.values()))
    positions = {name: position for position, name in enumerate(examples.ids)}
    missing = [name for name in ids if name not in positions]
    if missing:
        raise errors.DataError(
            f"--dataset={config.dataset}: {len(missing)} of the {len(ids)} {split} "
            "examples of the run are not there any more: "
            f"{other_data.listed(missing)}."
        )
    own = examples.take(np.array([positions[name] for name in ids]))
    return other_data.of_run_classes(own, found.labels, trained.labels)


def has_split(run: RunDir, split: str) -> bool:
    """Return whether split.csv of a run names a split.

    Raises:
        errors.RunDirError: where split.csv is damaged.
    """
    return any(row.split == split for row in split_csv.read(run))


def split_ids(run: RunDir, split: str) -> Sequence[str]:
    """Return the ids that split.csv gives to a split.

    Raises:
        errors.RunDirError: where it gives none, or is damaged.
    """
    rows = split_csv.read(run)
    ids = [row.id for row in rows if row.split == split]
    if not ids:
        there = ", ".join(sorted({row.split for row in rows}))
        raise errors.RunDirError(
            f"--split={split}: the run has no such split; {run.split_csv} has: {there}."
            " Choose one of them, or give the data with --data."
        )
    return ids


def _together(parts: Sequence[Examples]) -> Examples:
    """Return the examples of all splits, one after the other."""
    return Examples(
        ids=np.concatenate([part.ids for part in parts]),
        labels=_joined([part.labels for part in parts]),
        rows=np.concatenate([part.rows for part in parts]),
        # All splits of a data set read from the same table.
        read=parts[0].read,
    )


def _joined(parts: Sequence[Labels]) -> Labels:
    """Return the labels of several splits, one after the other."""
    ragged = [part for part in parts if isinstance(part, Ragged)]
    if ragged:
        return Ragged.from_rows(
            part[row] for part in ragged for row in range(len(part))
        )
    return np.concatenate([np.asarray(part) for part in parts])
