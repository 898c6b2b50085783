"""The thresholds of the classes of a run: thresholds.csv, which a person may edit."""

import csv
import io
import math
from collections.abc import Sequence

import numpy as np

from kft import errors
from kft.data.labels import LabelMap
from kft.data.sources import table_file
from kft.metrics.thresholds import FittedThreshold
from kft.run_folder.run_dir import RunDir

FILE = "thresholds.csv"
_LABEL, _THRESHOLD = "label", "threshold"
_COLUMNS = (_LABEL, _THRESHOLD, "examples", "f1_at_half", "f1")


def text(labels: LabelMap, fitted: Sequence[FittedThreshold]) -> str:
    """Return the content of the file: a row for each class.

    Besides the threshold it has what that was fitted on: how many validation examples,
    and F1 on them with 0.5 and with the threshold, empty without examples.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for name, one in zip(labels.names, fitted, strict=True):
        numbers = (one.threshold, one.examples, one.f1_at_half, one.f1)
        writer.writerow((name, *("" if n is None else repr(n) for n in numbers)))
    return file.getvalue()


def read(run: RunDir, labels: LabelMap) -> np.ndarray:
    """Return the threshold of each class, float64 [classes].

    Raises:
        errors.RunDirError: where the file is missing, or is none of these classes.
    """
    path = run.path / FILE
    try:
        rows = table_file.read(
            str(path), flag=FILE, needed=_COLUMNS[:2], optional=_COLUMNS[2:]
        )
        found = {row.values[_LABEL]: _threshold(row.values[_THRESHOLD]) for row in rows}
        problem = _problem([row.values[_LABEL] for row in rows], labels)
    except (errors.KftError, ValueError) as error:
        problem = str(error)
    if problem:
        raise errors.RunDirError(
            f"{path} is damaged or missing: {problem} It has the least probability "
            "with which each class is said; restore it, or write it: a row for each "
            f"class of labels.txt, with the columns {_LABEL} and {_THRESHOLD}."
        )
    return np.array([found[name] for name in labels.names])


def _threshold(value: str) -> float:
    """Return a threshold; raises ValueError for what is none."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < 1:
        raise ValueError(f"expected thresholds between 0 and 1, received {value!r}.")
    return number


def _problem(names: Sequence[str], labels: LabelMap) -> str:
    """Return what is wrong with the classes that the file has; empty for nothing."""
    if sorted(names) == sorted(labels.names):
        return ""
    odd = sorted({*names} ^ {*labels.names}) or sorted(
        {name for name in names if names.count(name) > 1}
    )
    return f"expected each class of the run once, which is not so of {odd[0]!r}."
