"""Data that a run was not made from, to measure the run on."""

import dataclasses
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from absl import logging

from kft import errors, tasks
from kft.config import RunConfig
from kft.data import bad_examples, label_arrays
from kft.data.examples import TRAIN, Examples
from kft.data.label_arrays import Labels
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.data.sources import name_pairs
from kft.evaluation.load_run import LoadedRun
from kft.run_folder import environment, regular_file, saved_config

ALL = "all"
_SHOWN = 5
# Of two lists of classes that are to be compared.
_SHOWN_CLASSES = 30


@dataclasses.dataclass(frozen=True, eq=False)
class OtherData:
    """Examples that a run can be measured on.

    Attributes:
        examples: with the class ids of the run.
        split: which it is; `ALL` where the data has none of its own.
        unknown: how many examples were left out, by classes that the run does not know.
    """

    examples: Examples
    split: str
    unknown: Mapping[str, int]


def load(
    trained: LoadedRun,
    dataset: str,
    split: str,
    *,
    unknown: Literal["error", "skip"] = "error",
    named: Mapping[str, tuple[str, ...] | str] = types.MappingProxyType({}),
) -> OtherData:
    """Return the examples of other data, whichever classes of the run it has.

    Args:
        trained: the run; its classes are those that may occur.
        dataset: written like --dataset.
        split: what is taken where the data has splits of its own; else all is.
        unknown: what becomes of examples of other classes.
        named: by option of the task, such as csv_columns, what parts of the data are
            called where they are called otherwise than in the run's, or the file that
            names its classes.

    Raises:
        errors.ConfigError: where there is no such data, or the task no such option.
        errors.DataError: where it has other classes, or has splits but not this one.
    """
    config = _with_names(_as_it_is(trained.config, dataset), named)
    try:
        found = tasks.load_known(config, trained.labels)
    except (errors.ConfigError, errors.DataError) as error:
        # It was not --dataset that named this data.
        raise type(error)(str(error).replace("--dataset", "--data")) from error
    parts = found.parts
    if set(parts) == {TRAIN}:
        parts, split = {ALL: parts[TRAIN]}, ALL
    if split not in parts:
        raise errors.DataError(
            f"--data={dataset} has no {split} split. It has: {', '.join(parts)}; "
            "choose with --split."
        )
    examples = parts[split]
    counts: dict[str, int] = {}
    if unknown == "skip":
        examples, counts = _known_only(examples, found.labels, trained.labels)
        if not len(examples):
            raise errors.DataError(
                f"--data={dataset}: expected examples of classes of the run "
                f"({listed(trained.labels.names)}), received {listed(sorted(counts))} "
                "only."
            )
    matched = of_run_classes(examples, found.labels, trained.labels)
    return OtherData(matched, split, counts)


def _as_it_is(config: RunConfig, dataset: str) -> RunConfig:
    """Return the config of other data, of which nothing is cut off or left out."""
    # Other data may have no splits; that a class is called like one stays true.
    is_split = config.folder_layout == "splits"
    return dataclasses.replace(
        whole(config),
        dataset=dataset,
        train_split=None,
        validation_split=None,
        test_split=None,
        folder_layout="auto" if is_split else config.folder_layout,
    )


def _with_names(
    config: RunConfig, named: Mapping[str, tuple[str, ...] | str]
) -> RunConfig:
    known = {field.name for field in dataclasses.fields(config)}
    given: dict[str, Any] = {}
    for name, value in named.items():
        if name not in known:
            raise errors.ConfigError(
                f"--{name}: data of --task={config.task} have no such names."
            )
        # What is not said is called as in the data of the run.
        own = getattr(config, name)
        is_file = isinstance(value, str)
        given[name] = value if is_file else name_pairs.merged(own, value)
    return dataclasses.replace(config, **given)


def whole(config: RunConfig) -> RunConfig:
    """Return the config with which no example is cut off or left out."""
    return dataclasses.replace(
        config,
        validation_fraction=0.0,
        test_fraction=0.0,
        split_file=None,
        examples_per_class=None,
    )


def is_of_run(trained: LoadedRun, dataset: str) -> bool:
    """Return whether data is that of the run, at another place.

    It is where it gives what the run began with: the same ids, labels, splits and
    sizes.
    """
    run = trained.run
    config = dataclasses.replace(trained.config, dataset=dataset)
    if config.split_file is not None:
        # The file may be gone; the run has kept what it said.
        config = dataclasses.replace(config, split_file=str(run.split_csv))
    try:
        facts = saved_config.read_json(run.environment_json)
        splits = tasks.load_splits(config)
        if run.bad_images_csv.is_file() and config.skips_bad_examples:
            kept = bad_examples.parse_bad_csv(
                regular_file.read(run.bad_images_csv).decode()
            )
            splits = bad_examples.leave_out(splits, kept)
    except (errors.KftError, OSError, ValueError):
        return False
    return bool(splits.fingerprint == facts.get(environment.DATA_FINGERPRINT))


def of_run_classes(examples: Examples, own: LabelMap, labels: LabelMap) -> Examples:
    """Return the examples with the class ids of the run, matched by name.

    Args:
        examples: their labels are of `own`.
        own: classes of the data.
        labels: classes of the run.

    Raises:
        errors.DataError: where examples are of classes that the run does not know.
    """
    if own == labels:
        return examples
    counts = label_arrays.count(examples.labels, len(own))
    used = [own.names[index] for index in np.flatnonzero(counts)]
    strays = [name for name in used if name not in labels.names]
    if strays:
        raise errors.DataError(
            "The classes of the data have to be classes of the run.\n"
            f"  the run:  {listed(labels.names, most=_SHOWN_CLASSES)}\n"
            f"  the data: {listed(used, most=_SHOWN_CLASSES)}\n"
            f"The run does not know {listed(strays)}. "
            f"{errors.closest(strays[0], labels.names, most=0)} --unknown=skip leaves "
            "their examples out."
        )
    return dataclasses.replace(examples, labels=_matched(examples.labels, own, labels))


def _known_only(
    examples: Examples, own: LabelMap, labels: LabelMap
) -> tuple[Examples, dict[str, int]]:
    """Return the examples of known classes alone, and how many of others there are."""
    counts = label_arrays.count(examples.labels, len(own))
    strays = {
        own.names[index]: int(counts[index])
        for index in np.flatnonzero(counts)
        if own.names[index] not in labels.names
    }
    if not strays:
        return examples, {}
    is_stray = np.isin(own.names, list(strays))
    logging.warning(
        "Left out: examples of %d classes that the run does not know: %s.",
        len(strays),
        listed([f"{name} ({count})" for name, count in strays.items()]),
    )
    return examples.take(np.flatnonzero(~_has(examples.labels, is_stray))), strays


def _has(labels: Labels, is_chosen: np.ndarray) -> np.ndarray:
    """Return which examples are of chosen classes, or have a step of one, bool [n]."""
    if isinstance(labels, Ragged):
        rows = (labels[row] for row in range(len(labels)))
        return np.array([is_chosen[row].any() for row in rows], bool)
    if labels.ndim == 1:
        return np.asarray(is_chosen[labels])
    return np.asarray((labels[:, is_chosen] > 0).any(axis=1))


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


def listed(names: Iterable[str], *, most: int = _SHOWN) -> str:
    """Return the first of some names, and how many there are."""
    return errors.listed(map(str, names), most=most)
