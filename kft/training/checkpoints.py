"""Exact-resume state: one file per save, whole or absent.

A file is an .npz without pickled objects: tensors by name, and the `RunState` with
versions as JSON. It is written beside, synced and renamed, so a kill at any byte leaves
the previous one whole; the archive's checksums find a file that was damaged later. Two
are kept. What a stage cannot move is written once per stage, into a file that its
saves refer to: an epoch of the head alone takes less time than writing the backbone.
`tf.train.Checkpoint` is not used: it leaves out the seed states of Dropout and takes
missing variables for a warning.
"""

import dataclasses
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors
from kft.run_folder import regular_file
from kft.run_folder.run_dir import RunDir
from kft.training import run_state as states
from kft.training.run_state import RunState

_KEEP = 2
_NAME = re.compile(r"state-(\d{9})\.npz")
_META = "meta.json"
FORMAT = 2
# Before the names of tensors: the weights of now, the best of the stage so far, and
# those of epochs that are to be averaged.
MODEL, BEST, EPOCH = "model/", "best/", "epoch/"
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    # What zipfile raises for headers that make no sense.
    zipfile.BadZipFile,
    struct.error,
    NotImplementedError,
    RuntimeError,
)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        state: position and records.
        arrays: every tensor that the next step depends on, by a lasting name.
    """

    state: RunState
    arrays: Mapping[str, np.ndarray]


def save(run: RunDir, snapshot: Snapshot, *, versions: Mapping[str, Any]) -> Path:
    """Write a snapshot and remove all but the last two.

    Args:
        run: the run folder.
        snapshot: `arrays` without what `save_frozen` wrote for the same stage.
        versions: of the packages, for the message of a later mismatch.

    Raises:
        errors.RunDirError: where the folder cannot be written; earlier files stay.
    """
    text = _meta_text(snapshot.state, versions)
    path = run.checkpoints / f"state-{snapshot.state.global_step:09d}.npz"
    _write(run, path, {_META: text, **snapshot.arrays})
    stages: set[int | None] = {snapshot.state.stage}
    for old in _files(run)[:-_KEEP]:
        old.unlink(missing_ok=True)
    for kept in _files(run):
        stages.add(_stage_of(kept))
    for frozen in run.checkpoints.glob("frozen-*.npz"):
        if int(frozen.stem.removeprefix("frozen-")) not in stages:
            frozen.unlink(missing_ok=True)
    return path


def _meta_text(state: RunState, versions: Mapping[str, Any]) -> np.ndarray:
    meta = {
        "format": FORMAT,
        "versions": dict(versions),
        "state": states.to_dict(state),
    }
    return np.frombuffer(json.dumps(meta).encode(), np.uint8)


def pack(snapshot: Snapshot) -> bytes:
    """Return what `unpack` turns into the snapshot in another process."""
    file = io.BytesIO()
    meta = _meta_text(snapshot.state, {})
    np.savez(file, allow_pickle=False, **{_META: meta}, **snapshot.arrays)
    return file.getvalue()


def unpack(content: bytes) -> Snapshot:
    """Return the snapshot that `pack` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Snapshot(states.from_dict(_meta(arrays.pop(_META))["state"]), arrays)


def save_frozen(run: RunDir, stage: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write what the snapshots of a stage have in common."""
    _write(run, _frozen_path(run, stage), arrays)


def _frozen_path(run: RunDir, stage: int) -> Path:
    return run.checkpoints / f"frozen-{stage:03d}.npz"


def _write(run: RunDir, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with run.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _files(run: RunDir) -> list[Path]:
    """Return the checkpoints, oldest first."""
    if not run.checkpoints.is_dir():
        return []
    return sorted(p for p in run.checkpoints.iterdir() if _NAME.fullmatch(p.name))


def exists(run: RunDir) -> bool:
    """Return whether the run has been saved."""
    return bool(_files(run))


def load_last(run: RunDir, *, warn: Callable[[str], None]) -> Snapshot | None:
    """Return the newest snapshot that is whole, or None where there is none at all.

    Args:
        run: the run folder.
        warn: told of a damaged file that an older, whole one replaces.

    Raises:
        errors.RunDirError: where there are checkpoints and none is whole.
    """
    files = _files(run)
    damaged = []
    for path in reversed(files):
        try:
            snapshot = _load(run, path)
        except _DAMAGED as error:
            damaged.append(f"{path} is damaged ({error})")
            continue
        for text in damaged:
            warn(f"{text}; going on from {path.name}.")
        return snapshot
    if files:
        raise errors.RunDirError(
            f"{'; '.join(damaged)}. There is no other checkpoint: choose a new "
            "--run_dir, or remove the folder to start again."
        )
    return None


def _load(run: RunDir, path: Path) -> Snapshot:
    arrays = _read(path)
    meta = _meta(arrays.pop(_META))
    state = states.from_dict(meta["state"])
    frozen = _frozen_path(run, state.stage)
    try:
        return Snapshot(state, {**_read(frozen), **arrays})
    except _DAMAGED as error:
        raise ValueError(f"{frozen.name}, which belongs to it: {error}") from error


def _stage_of(path: Path) -> int | None:
    """Return the stage that a checkpoint belongs to, None where it is damaged."""
    try:
        with (
            regular_file.opened(path) as file,
            np.load(file, allow_pickle=False) as archive,
        ):
            stage: int = _meta(archive[_META])["state"]["stage"]
    except _DAMAGED:
        return None
    return stage


def _read(path: Path) -> dict[str, np.ndarray]:
    # NumPy leaves a file open that it cannot read, so it is opened here.
    with (
        regular_file.opened(path) as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        return {name: archive[name] for name in archive.files}


def _meta(text: np.ndarray) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(text.tobytes())
    if meta["format"] != FORMAT:
        raise ValueError(f"format {meta['format']}, this kft reads {FORMAT}")
    return meta


def assign(
    variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, prefix: str
) -> None:
    """Put saved tensors back into variables.

    Args:
        variables: by lasting name; Keras or TensorFlow variables.
        arrays: the saved tensors; those that begin with `prefix` are compared.
        prefix: the part of the snapshot, such as `MODEL`.

    Raises:
        errors.RunDirError: where a name or shape is on one side only; nothing has been
            assigned then.
    """
    saved = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    lines = [f"+ {name}: only in the checkpoint" for name in saved.keys() - variables]
    lines += [f"- {name}: only in the model" for name in variables.keys() - saved]
    lines += [
        f"  {name}: {saved[name].shape} in the checkpoint, {v.shape} in the model"
        for name, v in variables.items()
        if name in saved and saved[name].shape != tuple(v.shape)
    ]
    if lines:
        raise errors.RunDirError(
            "The checkpoint does not fit the model that these flags build, so the run "
            "cannot go on from it:\n" + "\n".join(sorted(lines)[:20])
        )
    for name, variable in variables.items():
        variable.assign(saved[name])
