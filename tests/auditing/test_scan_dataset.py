"""Every example is inspected in its order, wherever its bytes come from."""

import dataclasses
import os
from concurrent.futures import process

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.auditing import scan_dataset
from kft.auditing.scan_dataset import Unread
from kft.data import examples
from kft.data.sources import record_reader
from kft.data.sources.file_reader import Files
from kft.tasks.image_classification.image_audit import ImageChecks
from tests.data import image_files

_CHECKS = ImageChecks(max_pixels=10_000, near_bits=6)


@dataclasses.dataclass(frozen=True)
class _FatalChecks(ImageChecks):
    def start_process(self):
        os._exit(1)


def _part(reads, count):
    return examples.Examples(
        ids=np.array([f"image {number}" for number in range(count)]),
        labels=np.zeros(count, np.int32),
        rows=np.arange(count, dtype=np.int64)[::-1],
        read=reads,
    )


def _scan(*parts, checks=_CHECKS):
    """Return the widths of the images, or why they cannot be read."""
    steps = []
    found = scan_dataset.scan(parts, checks, advance=steps.append)
    assert sum(steps) == sum(len(part) for part in parts) == len(found)
    return [one.reason or one.facts.width for one in found]


def test_images_come_in_their_order_from_memory_files_and_afar(tmp_path):
    # More than a few chunks, so that they are done at different times.
    contents = [image_files.solid("red", size=10 + n, kind="PNG") for n in range(50)]
    for number, content in enumerate(contents[:30]):
        (tmp_path / f"{number}.png").write_bytes(content)
    far = "ram://survey/far.png"
    with tf.io.gfile.GFile(far, "wb") as file:
        file.write(contents[5])
    parts = (
        _part(record_reader.from_memory(contents), 50),
        _part(Files([str(tmp_path / f"{number}.png") for number in range(30)]), 30),
        _part(Files([far, "ram://survey/gone.png"]), 2),
    )
    memory, local, (gone, near) = np.split(np.array(_scan(*parts), object), [50, 80])
    assert memory.tolist() == list(range(59, 9, -1))
    assert local.tolist() == list(range(39, 9, -1))
    assert near == 15
    assert gone == "NotFoundError"


def test_what_is_too_large_is_refused():
    (reason,) = _scan(
        _part(record_reader.from_memory([image_files.solid("red", size=101)]), 1)
    )
    assert reason == (
        "the image has more pixels than --max_pixels=10000: height and width are "
        "101 101"
    )


def test_an_example_that_ends_its_process_is_named():
    checks = _FatalChecks(max_pixels=1, near_bits=None)
    with pytest.raises(errors.DataError, match="one of these.*image 0, image 1"):
        _scan(_part(record_reader.from_memory([b"", b""]), 2), checks=checks)


def test_a_process_that_ends_before_the_next_image_is_given_out_is_told(monkeypatch):
    def submit(*_):
        raise process.BrokenProcessPool("a child process terminated abruptly")

    monkeypatch.setattr(process.ProcessPoolExecutor, "submit", submit)
    with pytest.raises(errors.DataError, match="one of these.*image 0"):
        _scan(_part(record_reader.from_memory([b""]), 1))


def test_a_file_that_can_not_be_opened_is_a_reason(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "folder.jpg").mkdir()
    paths = [str(tmp_path / name) for name in ("gone.jpg", "folder.jpg")]
    found = scan_dataset.inspect([*paths, Unread("no network")], _CHECKS)
    assert [one.reason for one in found] == [
        "No such file or directory",
        "Is a directory",
        "no network",
    ]


def test_a_reason_is_one_line():
    class Checks:
        def inspect(self, content):
            raise RuntimeError(content.decode())

    found = scan_dataset.inspect([b"two\nlines", b""], Checks())
    assert [one.reason for one in found] == ["two lines", "RuntimeError"]
