"""A damaged image among those of a run: it is named, or skipped and listed."""

import csv
import json
from collections.abc import Callable

import pytest

from kft import train
from kft.cli import command
from tests.data import image_files
from tests.training import test_fine_tune

pytestmark = pytest.mark.slow

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


@pytest.fixture
def train_here(folder, capfd) -> Callable[..., tuple[int, str]]:
    """Return a function that runs kft.train in this process, with these flags.

    It returns the exit code and what was said.
    """

    def run(*flags: str) -> tuple[int, str]:
        code = command.execute(train.COMMAND, _flags(folder, *flags))
        said = capfd.readouterr()
        return code, said.out + said.err

    return run


@pytest.mark.integration
def test_a_command_names_a_damaged_image_in_one_line(folder, run_kft):
    done = run_kft("train", *_flags(folder, "--feature_cache=memory"))
    assert done.returncode == 2, done.stderr
    assert f"error: The example {_BAD} cannot be read: Invalid JPEG" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("cache", ["memory", "off"])
def test_a_damaged_image_ends_training_by_its_name(train_here, cache):
    code, said = train_here(f"--feature_cache={cache}")
    assert code == 2, said
    assert f"error: The example {_BAD} cannot be read: Invalid JPEG" in said
    assert "Traceback" not in said


def test_an_image_that_is_gone_ends_training_by_its_name(folder, train_here):
    (folder / _BAD).unlink()
    for path in (folder / "red").iterdir():
        path.unlink()
        path.symlink_to(folder / "nowhere.png")
    code, said = train_here()
    assert code == 2, said
    assert "error: The example red/" in said
    assert "Traceback" not in said


def test_a_damaged_image_is_skipped_and_listed_and_so_it_is_by_a_run_that_goes_on(
    folder, train_here, monkeypatch
):
    run = folder.parent / "run"
    with monkeypatch.context() as patch:
        test_fine_tune.stop_after(patch, 1)
        code, said = train_here(*_SKIP)
    assert code == command.EXIT_RESUMABLE, said
    bad, split = (run / "bad_images.csv"), (run / "split.csv")
    assert "Skipped 1 of 17 examples." in said
    before = bad.read_bytes(), split.read_bytes()

    # The file is whole by then, which may not move a batch. It is as long as it was,
    # for a change of size is a change of the data.
    size, small = (folder / _BAD).stat().st_size, image_files.solid("red", size=8)
    assert len(small) < size
    (folder / _BAD).write_bytes(small.ljust(size, b"\0"))
    code, said = train_here(*_SKIP)
    assert code == 0, said
    assert (bad.read_bytes(), split.read_bytes()) == before
    _check_skipped(run)


def _check_skipped(run) -> None:
    with open(run / "bad_images.csv", newline="") as file:
        bad = list(csv.DictReader(file))
    assert [row["id"] for row in bad] == [_BAD]
    assert bad[0]["reason"].startswith("Invalid JPEG data, size ")
    with open(run / "split.csv", newline="") as file:
        ids = {row["id"] for row in csv.DictReader(file)}
    assert len(ids) == 16
    assert _BAD not in ids
    assert json.loads((run / "result.json").read_text())["status"] == "finished"


def test_too_many_damaged_images_end_the_run(train_here):
    code, said = train_here("--on_bad_image=skip")
    assert code == 2, said
    assert "--max_bad_fraction=0.01: 1 of 17 examples" in said
