"""A damaged image among those of a run: it is named, or skipped and listed."""

import csv
import json

import pytest

from tests.data import image_files

pytestmark = pytest.mark.integration

_TINY = (
    "--backbone=EfficientNetLite0",
    "--weights=none",
    "--image_size=32",
    "--stages=head:1",
    "--batch_size=8",
    "--export=",
    "--report=false",
)
_BAD = "red/cut.jpg"
_SKIP = ("--on_bad_image=skip", "--max_bad_fraction=0.2")


@pytest.fixture
def folder(tmp_path):
    """Return two classes of 8 images each, and one that is cut off."""
    root = tmp_path / "images"
    for color in ("red", "blue"):
        (root / color).mkdir(parents=True)
        for number in range(8):
            (root / color / f"{number}.png").write_bytes(image_files.solid(color))
    whole = image_files.encode(image_files.gradient(), "JPEG")
    (root / _BAD).write_bytes(whole[: len(whole) // 2])
    return root


def _flags(folder, *more):
    run = folder.parent / "run"
    return (f"--dataset=folder:{folder}", f"--run_dir={run}", *_TINY, *more)


@pytest.mark.parametrize("cache", ["memory", "off"])
def test_a_damaged_image_ends_training_by_its_name(folder, run_kft, cache):
    done = run_kft("train", *_flags(folder, f"--feature_cache={cache}"))
    assert done.returncode == 2, done.stderr
    assert f"error: The example {_BAD} cannot be read: Invalid JPEG" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_image_that_is_gone_ends_training_by_its_name(folder, run_kft):
    (folder / _BAD).unlink()
    for path in (folder / "red").iterdir():
        path.unlink()
        path.symlink_to(folder / "nowhere.png")
    done = run_kft("train", *_flags(folder))
    assert done.returncode == 2, done.stderr
    assert "error: The example red/" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_image_is_skipped_and_listed(folder, run_kft):
    done = run_kft("train", *_flags(folder, *_SKIP))
    assert done.returncode == 0, done.stderr
    run = folder.parent / "run"
    with open(run / "bad_images.csv", newline="") as file:
        bad = list(csv.DictReader(file))
    assert [row["id"] for row in bad] == [_BAD]
    assert bad[0]["reason"].startswith("Invalid JPEG data, size ")
    with open(run / "split.csv", newline="") as file:
        ids = {row["id"] for row in csv.DictReader(file)}
    assert len(ids) == 16
    assert _BAD not in ids
    assert json.loads((run / "result.json").read_text())["status"] == "finished"
    assert "Skipped 1 of 17 examples." in done.stdout + done.stderr


def test_a_run_that_goes_on_skips_the_same(folder, run_kft):
    """The file is whole by then, which may not move a batch."""
    run, flags = folder.parent / "run", _flags(folder, *_SKIP)
    assert run_kft("train", *flags).returncode == 0
    (run / "result.json").unlink()
    bad = (run / "bad_images.csv").read_bytes()
    split = (run / "split.csv").read_bytes()
    # As long as it was, for a change of size is a change of the data.
    size, small = (folder / _BAD).stat().st_size, image_files.solid("red", size=8)
    assert len(small) < size
    (folder / _BAD).write_bytes(small.ljust(size, b"\0"))
    done = run_kft("train", *flags)
    assert done.returncode == 0, done.stderr
    assert (run / "bad_images.csv").read_bytes() == bad
    assert (run / "split.csv").read_bytes() == split


def test_too_many_damaged_images_end_the_run(folder, run_kft):
    done = run_kft("train", *_flags(folder, "--on_bad_image=skip"))
    assert done.returncode == 2, done.stderr
    assert "--max_bad_fraction=0.01: 1 of 17 examples" in done.stderr
