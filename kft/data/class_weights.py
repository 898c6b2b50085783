"""`--class_weight`: how much an example counts in the training loss, by its label.

Validation, test and every accuracy count each example alike. No TensorFlow.
"""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, label_arrays
from kft.data.sources import filesystem, table_file, text_file

_NONE, _BALANCED = "none", "balanced"
_SHOWN = 10


def check(config: config_lib.DataConfig) -> None:
    """Find mistakes in the file of `--class_weight`, as far as no labels are needed.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no table of weights.
    """
    path = config.class_weight
    if path not in (_NONE, _BALANCED) and not filesystem.is_remote(path):
        _read(path)


def find(config: config_lib.DataConfig, splits: examples.Splits) -> np.ndarray | None:
    """Return the weight of each class, float64 [classes], above 0; None for no weights.

    Raises:
        errors.ConfigError: where there is no such file, or where `--class_weight` or
            `--sampling` means nothing for labels such as these.
        errors.DataError: where it does not have the labels of the data set.
    """
    labels = splits.train.labels
    if config.sampling == "balanced":
        label_arrays.require_one_class_each(labels, "--sampling=balanced")
    if config.class_weight == _NONE:
        return None
    flag = f"--class_weight={config.class_weight}"
    of_examples = label_arrays.require_no_steps(labels, flag)
    if config.class_weight == _BALANCED:
        return balanced(of_examples, len(splits.labels))
    return _of_labels(_read(config.class_weight), splits.labels.names, config)


def balanced(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return n / (k * n_c) for each of the k classes that have examples, 1 for others.

    So every class has the same part in the loss, and the mean over the examples is 1:
    the learning rate means what it meant (King and Zeng, Logistic Regression in Rare
    Events Data, 2001; `class_weight="balanced"` of scikit-learn). Where examples have
    several classes, n is how many they have in all.

    Args:
        labels: int32 [n], or float32 [n, classes].
        num_classes: of them.
    """
    counts = label_arrays.count(labels, num_classes)
    present = counts > 0
    weights = np.ones(num_classes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def text(weights: np.ndarray, splits: examples.Splits) -> str:
    """Return the weights as a table that `--class_weight` reads: class_weights.csv."""
    counts = label_arrays.count(splits.train.labels, len(weights))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("label", "examples", "weight"))
    for row in zip(splits.labels.names, counts, weights, strict=True):
        writer.writerow((row[0], int(row[1]), repr(float(row[2]))))
    return file.getvalue()


def describe(
    config: config_lib.DataConfig,
    splits: examples.Splits,
    weights: np.ndarray | None,
) -> Sequence[str]:
    """Return a line for each of `--class_weight` and `--sampling` that is in use.

    Args:
        config: of the data.
        splits: the examples.
        weights: that `find` has found.
    """
    lines = []
    names = splits.labels.names
    if weights is not None:
        order = np.argsort(-weights, kind="stable")
        shown = [f"{names[c]} {weights[c]:.4g}" for c in order[:_SHOWN]]
        more = f", ... ({len(names)} classes)" if len(names) > _SHOWN else ""
        lines.append(f"--class_weight={config.class_weight}: {', '.join(shown)}{more}")
    if config.sampling == "balanced":
        counts = label_arrays.count(splits.train.labels, len(names))
        present = np.flatnonzero(counts)
        each = len(splits.train) / len(present)
        rare, common = (pick(present, key=lambda c: counts[c]) for pick in (min, max))
        lines.append(
            f"--sampling=balanced: {each:.4g} of each class in an epoch; of "
            f"{names[rare]} each example {each / counts[rare]:.3g} times, of "
            f"{names[common]} {each / counts[common]:.3g} times."
        )
    return lines


def _of_labels(
    given: Mapping[str, float], names: Sequence[str], config: config_lib.DataConfig
) -> np.ndarray:
    missing = [name for name in names if name not in given]
    strays = [label for label in given if label not in names]
    problems = []
    if missing:
        problems.append(f"these are missing: {', '.join(missing[:_SHOWN])}")
    if strays:
        near = errors.closest(strays[0], missing or names)
        problems.append(f"there is no label {strays[0]!r}. {near}".rstrip("."))
    if problems:
        raise errors.DataError(
            f"--class_weight={config.class_weight}: expected a weight for each of the "
            f"{len(names)} labels of --dataset={config.dataset}; {'; '.join(problems)}."
        )
    return np.array([given[name] for name in names], np.float64)


def _read(path: str) -> Mapping[str, float]:
    flag = f"--class_weight={path}"
    if not filesystem.is_remote(path) and not os.path.isfile(filesystem.expand(path)):
        near = errors.closest(path, (_NONE, _BALANCED))
        raise errors.ConfigError(
            "--class_weight: expected none, balanced, or the path of a .json or .csv "
            f"file with a weight for each label; there is no file {path!r}. {near}"
        )
    if path.lower().endswith(".json"):
        return _read_json(path, flag)
    rows = table_file.read(
        path, flag=flag, needed=("label", "weight"), optional=("examples",)
    )
    weights: dict[str, float] = {}
    for row in rows:
        label, where = row.values["label"], f"{flag}, line {row.line}"
        if label in weights:
            raise errors.DataError(f"{where}: {label!r} has a weight already.")
        weights[label] = _weight(row.values["weight"], where)
    return weights


def _read_json(path: str, flag: str) -> Mapping[str, float]:
    def unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
        weights = dict(pairs)
        if len(weights) < len(pairs):
            raise ValueError("a label is there twice")
        return weights

    try:
        content = json.loads(text_file.read(path, flag), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f'{flag}: expected JSON such as {{"cat": 1, "dog": 2.5}}: {error}.'
        ) from error
    if not isinstance(content, dict) or not content:
        raise errors.DataError(
            f"{flag}: expected an object of labels and weights, received "
            f"{str(content)[:80]}."
        )
    return {
        label: _weight(value, f"{flag}, {label!r}") for label, value in content.items()
    }


def _weight(value: Any, where: str) -> float:
    """Return a weight.

    Raises:
        errors.DataError: where it is no number above 0.
    """
    try:
        # A bool is an int to Python.
        weight = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise errors.DataError(
            f"{where}: expected a number above 0, received {value!r}."
        )
    return weight
