"""What a report knows of a run, read from files that may be damaged."""

import shutil
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.reporting import run_record
from kft.run_folder.run_dir import RunDir

_FILES = (
    "config.json",
    "environment.json",
    "labels.txt",
    "metrics.jsonl",
    "result.json",
    "split.csv",
)


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    folder = tmp_path_factory.mktemp("damaged")
    for name in _FILES:
        shutil.copy(finished_run / name, folder)
    return RunDir(folder)


def test_a_whole_run_is_read(run: RunDir) -> None:
    assert run_record.read(run).result.val_accuracy is not None


@hypothesis.given(
    st.sampled_from(_FILES),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))),
    st.binary(max_size=20),
)
def test_a_damaged_file_is_read_or_named(
    run: RunDir,
    name: str,
    kept: float,
    changed: list[tuple[float, int]],
    more: bytes,
) -> None:
    path = run.path / name
    whole = path.read_bytes()
    content = bytearray(whole[: round(len(whole) * kept)] or b"\0")
    for place, byte in changed:
        content[int(place * len(content))] = byte
    path.write_bytes(bytes(content) + more)
    try:
        run_record.read(run)
    except errors.RunDirError as error:
        assert str(run.path) in str(error)
    finally:
        path.write_bytes(whole)
