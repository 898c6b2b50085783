"""Stored features are read back as they were written, or not at all."""

import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kft.training.feature_cache import feature_store
from kft.training.feature_cache.disk_store import DiskStore
from kft.training.feature_cache.feature_store import (
    CutTensor,
    Layout,
    StoreRows,
)

TWO = Layout((CutTensor((2, 2), "float32"), CutTensor((3,), "bool")), stored=None)
FIVE = StoreRows(5)
CONTENTS = {"train": np.arange(80, dtype=np.uint8).reshape(5, 16)}
ROWS = [
    np.arange(20, dtype=np.float32).reshape(5, 2, 2),
    np.arange(15).reshape(5, 3) % 2 == 0,
]


def fill(found: feature_store.Features) -> None:
    found.write(np.arange(5), ROWS)


def test_a_store_counts_only_when_it_is_complete(tmp_path):
    layouts = {"train": (TWO, FIVE)}
    store = DiskStore(tmp_path, "key")
    fill(store.create(layouts)["train"])
    assert DiskStore(tmp_path, "key").load(layouts) is None
    store.complete(CONTENTS)
    loaded = DiskStore(tmp_path, "key").load(layouts)["train"].features
    np.testing.assert_array_equal(loaded.arrays[0], ROWS[0])
    np.testing.assert_array_equal(loaded.arrays[1], ROWS[1])
    assert DiskStore(tmp_path, "other").load(layouts) is None


def test_what_is_begun_and_not_completed_is_removed(tmp_path):
    store = DiskStore(tmp_path, "key")
    store.create({"train": (TWO, FIVE)})
    assert list(tmp_path.iterdir())
    store.discard()
    assert not list(tmp_path.iterdir())


def test_processes_that_fill_the_same_key_do_not_disturb_each_other(tmp_path):
    # In containers they often have the same process id.
    layouts = {"train": (TWO, FIVE)}
    one, other = DiskStore(tmp_path, "key"), DiskStore(tmp_path, "key")
    first = one.create(layouts)["train"]
    second = other.create(layouts)["train"]
    fill(first)
    one.complete(CONTENTS)
    quicker = (tmp_path / "key" / "train-0.npy").stat().st_ino
    fill(second)
    other.complete(CONTENTS)
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key" / "train-0.npy").stat().st_ino == quicker
    for mapped in (first, second, other.load(layouts)["train"].features):
        np.testing.assert_array_equal(mapped.arrays[0], ROWS[0])


def test_what_is_left_of_a_folder_makes_room_for_a_complete_one(tmp_path):
    layouts = {"train": (TWO, FIVE)}
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "train-0.npy").touch()
    store = DiskStore(tmp_path, "key")
    fill(store.create(layouts)["train"])
    store.complete(CONTENTS)
    loaded = store.load(layouts)["train"].features
    np.testing.assert_array_equal(loaded.arrays[0], ROWS[0])


def test_features_that_are_being_removed_are_not_there(tmp_path):
    layouts = {"train": (TWO, FIVE)}
    store = DiskStore(tmp_path, "key")
    store.create(layouts)
    store.complete(CONTENTS)
    (tmp_path / "key" / "train-1.npy").unlink()
    assert store.load(layouts) is None


def test_what_a_process_left_a_day_ago_is_removed_by_the_next(tmp_path):
    layouts = {"train": (TWO, FIVE)}
    DiskStore(tmp_path, "key").create(layouts)
    (old,) = tmp_path.iterdir()
    new = shutil.copytree(old, old.with_name("key.partial-new"))
    begun = time.time() - 25 * 3600
    for path in (*old.iterdir(), *new.iterdir(), old, new):
        os.utime(path, (begun, begun))
    # A long pass still writes to its files.
    os.utime(new / "train-0.npy")
    DiskStore(tmp_path, "key").create(layouts)
    assert not old.exists() and new.exists()
    assert len(list(tmp_path.iterdir())) == 2


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def _other_shape(path: Path) -> None:
    np.save(path, np.zeros([3, 2, 2], np.float32))


def _other_dtype(path: Path) -> None:
    np.save(path, np.zeros([5, 2, 2], np.float64))


def _not_finite(path: Path) -> None:
    np.save(path, np.full([5, 2, 2], np.nan, np.float32))


class _Code:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (open, ("unpickled", "w"))


def _pickled(path: Path) -> None:
    np.save(path, np.array([_Code()], dtype=object), allow_pickle=True)


def _pickle_alone(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Code()))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = [
    _cut,
    _empty,
    _flipped,
    _other_shape,
    _other_dtype,
    _not_finite,
    _pickled,
    _pickle_alone,
    _folder,
    _pipe,
    Path.unlink,
]


@pytest.mark.parametrize("name", ["train-0.npy", "train-contents.npy", "complete"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_features_are_named_removed_and_not_taken(
    damage: Callable[[Path], None],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    layouts, store = {"train": (TWO, FIVE)}, DiskStore(tmp_path, "key")
    monkeypatch.chdir(tmp_path)
    fill(store.create(layouts)["train"])
    store.complete(CONTENTS)
    damage(store.folder / name)
    with caplog.at_level("WARNING", logger="absl"):
        assert store.load(layouts) is None
    if store.folder.exists():
        # Without this file they have never counted.
        assert not store.is_complete()
    else:
        assert "are damaged" in caplog.text and "are made again" in caplog.text
    assert not (tmp_path / "unpickled").exists()
    fill(store.create(layouts)["train"])
    store.complete(CONTENTS)
    loaded = store.load(layouts)["train"]
    np.testing.assert_array_equal(loaded.features.arrays[0], ROWS[0])
    np.testing.assert_array_equal(loaded.contents, CONTENTS["train"])


@pytest.mark.parametrize("replace", [_other_shape, _other_dtype, _pickled])
def test_features_with_right_checksums_have_to_fit_all_the_same(
    replace: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts, store = {"train": (TWO, FIVE)}, DiskStore(tmp_path, "key")
    monkeypatch.chdir(tmp_path)
    fill(store.create(layouts)["train"])
    (partial,) = tmp_path.iterdir()
    replace(partial / "train-0.npy")
    store.complete(CONTENTS)
    assert store.load(layouts) is None
    assert not (tmp_path / "unpickled").exists()


def test_a_file_too_many_is_not_of_the_store(tmp_path: Path) -> None:
    layouts, store = {"train": (TWO, FIVE)}, DiskStore(tmp_path, "key")
    fill(store.create(layouts)["train"])
    store.complete(CONTENTS)
    (store.folder / "validation-0.npy").touch()
    assert store.load(layouts) is None
