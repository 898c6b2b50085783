"""Stored features in files: a folder is whole and undamaged, or does not count."""

import contextlib
import dataclasses
import errno
import json
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from absl import logging

from kft.run_folder import atomic_files, regular_file
from kft.training.feature_cache import feature_store
from kft.training.feature_cache.feature_store import (
    Features,
    Layout,
    StoreRows,
)

# Written last: the size and the checksum of every other file.
_COMPLETE = "complete"
# A folder that nothing was written to for so long is that of a process that is gone.
_ABANDONED_SECONDS = 24 * 3600
_CHUNK_BYTES = 1 << 22


@dataclasses.dataclass(frozen=True, eq=False)
class StoredSplit:
    """What a store has of one split.

    Attributes:
        features: mapped from files.
        contents: digests of the payloads that they were made of, see
            `content_digests.ContentDigests`.
    """

    features: Features
    contents: np.ndarray


class _DamagedStore(Exception):
    """A store that does not hold what was written to it."""


class DiskStore:
    """Features in files below one folder per key.

    A folder is filled under another name and renamed when it is complete, so a killed
    run leaves nothing that a later one could take for features. Several processes, also
    of different machines or containers, may fill the same key: the first to complete
    its folder wins, the others read their own files until they end.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._folder = root / key
        self._partial = root / f"{key}.partial-{uuid.uuid4().hex}"

    @property
    def folder(self) -> Path:
        """Return where the complete features are."""
        return self._folder

    def is_complete(self) -> bool:
        """Return whether the folder holds features that count."""
        return (self._folder / _COMPLETE).is_file()

    def load(
        self, layouts: Mapping[str, tuple[Layout, StoreRows]]
    ) -> dict[str, StoredSplit] | None:
        """Return what is stored by name, or None where it is not there, or damaged.

        All files are read once and held against their checksums; a store that does not
        stand that is named and removed. Nothing in a file is unpickled.

        Args:
            layouts: for each name, the layout and the rows.
        """
        if not self.is_complete():
            return None
        try:
            sums = _read_sums(self._folder / _COMPLETE)
            _check_files(self._folder, sums)
            return {
                name: self._open(name, layout, rows)
                for name, (layout, rows) in layouts.items()
            }
        except FileNotFoundError:
            # Another process removes them at this moment.
            return None
        except (OSError, ValueError, _DamagedStore) as error:
            self.remove(f"are damaged ({error})")
            return None

    def remove(self, why: str) -> None:
        """Remove the features that are there, and say why they are made again.

        Args:
            why: a predicate, such as "are damaged".
        """
        logging.warning(
            "The stored features in %s %s: they are made again.", self._folder, why
        )
        # Nobody is to see a half of it.
        with contextlib.suppress(OSError):
            gone = self._folder.with_name(f"{self._partial.name}-gone")
            os.replace(self._folder, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def create(
        self, layouts: Mapping[str, tuple[Layout, StoreRows]]
    ) -> dict[str, Features]:
        """Return empty features in files; `complete` makes them count.

        What processes that are gone have left of the same key is removed.
        """
        self._remove_abandoned()
        shutil.rmtree(self._partial, ignore_errors=True)
        with atomic_files.explaining(self._partial):
            self._partial.mkdir(parents=True)
            return {
                name: self._make(name, layout, rows)
                for name, (layout, rows) in layouts.items()
            }

    def complete(self, contents: Mapping[str, np.ndarray]) -> None:
        """Sync the files and give their folder its final name.

        Where another process was quicker, its folder stays and this one is removed.
        Whoever has mapped the files goes on reading them in either case.

        Args:
            contents: for each name, the digests of the payloads, uint8 [n, k].
        """
        with atomic_files.explaining(self._folder):
            for name, digests in contents.items():
                np.save(_contents_path(self._partial, name), digests)
            sums = {}
            for path in sorted(self._partial.iterdir()):
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
                sums[path.name] = _size_and_sum(path)
            (self._partial / _COMPLETE).write_text(json.dumps(sums))
            self._put_in_place()

    def _put_in_place(self) -> None:
        if not self.is_complete():
            # What a removal that was stopped half-way has left.
            shutil.rmtree(self._folder, ignore_errors=True)
        try:
            # Never onto a folder with something in it.
            os.replace(self._partial, self._folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            self.discard()

    def discard(self) -> None:
        """Remove what was begun and not completed."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def _remove_abandoned(self) -> None:
        """Remove what others have begun of this key and not touched for a day."""
        oldest = time.time() - _ABANDONED_SECONDS
        for folder in self._folder.parent.glob(f"{self._folder.name}.partial-*"):
            # Gone before it was looked at: its process has completed or removed it.
            with contextlib.suppress(FileNotFoundError):
                touched = max(p.stat().st_mtime for p in (folder, *folder.iterdir()))
                if touched < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _open(self, name: str, layout: Layout, rows: StoreRows) -> StoredSplit:
        """Return the features and digests of one name.

        Raises:
            _DamagedStore: where a file holds something else than it should.
            OSError, ValueError: where NumPy cannot read it.
        """
        arrays = []
        for path, shape, dtype in _files(self._folder, name, layout, rows):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            if array.shape != shape or array.dtype != dtype:
                raise _DamagedStore(
                    f"{path.name} holds {array.dtype} {list(array.shape)}, expected "
                    f"{dtype} {list(shape)}"
                )
            arrays.append(array)
        contents = np.load(_contents_path(self._folder, name), allow_pickle=False)
        return StoredSplit(feature_store.features(layout, rows, arrays), contents)

    def _make(self, name: str, layout: Layout, rows: StoreRows) -> Features:
        """Return empty features of one name."""
        arrays = [
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            for path, shape, dtype in _files(self._partial, name, layout, rows)
        ]
        return feature_store.features(layout, rows, arrays)


def _files(
    folder: Path, name: str, layout: Layout, rows: StoreRows
) -> Iterator[tuple[Path, tuple[int, ...], np.dtype]]:
    """Yield path, shape and dtype of the file of each tensor of the cut."""
    dtypes = layout.stored_dtypes()
    for rank, (tensor, dtype) in enumerate(zip(layout.tensors, dtypes, strict=True)):
        yield folder / f"{name}-{rank}.npy", layout.array_shape(tensor, rows), dtype


def _contents_path(folder: Path, name: str) -> Path:
    return folder / f"{name}-contents.npy"


def _read_sums(path: Path) -> dict[str, list[int]]:
    """Return the size and the checksum of each file.

    Raises:
        _DamagedStore: where they cannot be understood.
        OSError: where they cannot be read.
    """
    try:
        sums = json.loads(regular_file.read(path))
    except (ValueError, RecursionError):
        sums = None
    if not isinstance(sums, dict):
        raise _DamagedStore("they have no checksums")
    return sums


def _check_files(folder: Path, sums: Mapping[str, list[int]]) -> None:
    """Check every file.

    Raises:
        _DamagedStore: where one is another than it was, or too many.
        OSError: where one cannot be read.
    """
    there = {path.name for path in folder.iterdir()} - {_COMPLETE}
    if there != sums.keys():
        names = ", ".join(sorted(there.symmetric_difference(sums)))
        raise _DamagedStore(f"missing, or not of the store: {names}")
    for name, expected in sums.items():
        if _size_and_sum(folder / name) != expected:
            raise _DamagedStore(f"{name} is not what was written")


def _size_and_sum(path: Path) -> list[int]:
    """Return bytes and CRC-32 of a file, read piece by piece."""
    size, total = 0, 0
    with regular_file.opened(path) as file:
        while piece := file.read(_CHUNK_BYTES):
            size, total = size + len(piece), zlib.crc32(piece, total)
    return [size, total]
