"""Predictions for examples whose labels are known, kept in the run folder."""

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.run_folder import regular_file
from kft.run_folder.run_dir import RunDir

# What reading a file that is damaged, or not one of these, can raise.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
# Ends the name of the array that says where rows of different length begin.
_OFFSETS = "_offsets"


@dataclasses.dataclass(frozen=True)
class PredictionSource:
    """Where predictions come from: equal sources give equal predictions.

    Attributes:
        data: the data set.
        split: of the data set; `all` where other data has none.
        weights: SHA-256 of the file with the network's weights.
        classes: names, in index order.
        tta: name of the views that they are the mean over; None for none.
    """

    data: str
    split: str
    weights: str
    classes: tuple[str, ...]
    tta: str | None = None

    def to_json(self) -> str:
        """Return it as files have it; without views as they had it before these."""
        values = dataclasses.asdict(self)
        if self.tta is None:
            del values["tta"]
        return json.dumps(values)


def weights_digest(run: RunDir) -> str:
    """Return the SHA-256 of the weights that a run kept."""
    with regular_file.opened(run.best_weights) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(run: RunDir, predictions: Predictions, source: PredictionSource) -> None:
    """Keep predictions in the run folder, in place of those that are there.

    Raises:
        errors.RunDirError: where the file cannot be written.
    """
    with run.replacing(run.predictions) as path, path.open("wb") as file:
        arrays = {
            "source": np.array(source.to_json()),
            "ids": np.asarray(predictions.ids, dtype=str),
            **_arrays("labels", predictions.labels),
            **_arrays("logits", predictions.logits),
        }
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read(path: Path, source: PredictionSource) -> Predictions | None:
    """Return the predictions of a file; None where it is damaged or of other source."""
    try:
        with (
            regular_file.opened(path) as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            if str(arrays["source"]) != source.to_json():
                return None
            return Predictions(
                arrays["ids"], _rows("labels", arrays), _rows("logits", arrays)
            )
    except _DAMAGED:
        return None


def _arrays(name: str, rows: np.ndarray | Ragged) -> dict[str, np.ndarray]:
    """Return what the file has of rows: one array, or values and where rows begin."""
    if isinstance(rows, Ragged):
        return {name: rows.values, name + _OFFSETS: rows.offsets}
    return {name: rows}


def _rows(name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray | Ragged:
    if name + _OFFSETS in arrays:
        return Ragged(arrays[name], arrays[name + _OFFSETS])
    return arrays[name]
