import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from kft.backbones import hdf5, isolated_read


@pytest.fixture
def good(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = [b"a"]
        file["a/b"] = np.zeros(3)
        file["a"].attrs["weight_names"] = ["b"]
    return tmp_path / "w.h5"


def test_a_good_file_survives_from_any_folder(good: Path, monkeypatch) -> None:
    monkeypatch.chdir(good.parent)
    isolated_read.survive(good)


def test_what_a_reader_explains_is_no_matter_of_the_trial(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_bytes(b"no HDF5")
    isolated_read.survive(tmp_path / "w.h5")
    isolated_read.survive(tmp_path / "absent.keras")


def test_reading_without_end_is_ended(good: Path, monkeypatch) -> None:
    monkeypatch.setattr(isolated_read, "_SECONDS", 2.0)
    with h5py.File(good, "a") as file:
        file["a/above"] = file["a"]
    with pytest.raises(hdf5.Hdf5Error, match="has not ended after 2 seconds"):
        isolated_read.survive(good)


def test_a_crash_stays_in_the_child(good: Path, monkeypatch) -> None:
    monkeypatch.setattr(isolated_read, "_PROGRAM", "import os; os.abort()")
    with pytest.raises(hdf5.Hdf5Error, match=r"crashes the HDF5 library \(signal 6\)"):
        isolated_read.survive(good)


def test_a_bug_in_the_trial_is_not_taken_for_a_damaged_file(
    good: Path, monkeypatch
) -> None:
    monkeypatch.setattr(isolated_read, "_PROGRAM", "raise LookupError('a bug')")
    with pytest.raises(RuntimeError, match="a bug"):
        isolated_read.survive(good)


def test_links_out_of_the_file_are_not_followed(good: Path) -> None:
    # Who opens a FIFO waits for its writer.
    os.mkfifo(good.with_name("other.h5"))
    with h5py.File(good, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
        file["a/elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    isolated_read.survive(good)
