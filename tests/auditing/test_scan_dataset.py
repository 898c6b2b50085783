"""Every image is looked at in its order, wherever its bytes come from."""

import functools
import os
from concurrent.futures import process

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.auditing import image_stats, scan_dataset
from kft.data import examples
from kft.data.sources import record_reader
from kft.data.sources.file_reader import Files
from tests.data import image_files


def _part(reads, count):
    return examples.Examples(
        ids=np.array([f"image {number}" for number in range(count)]),
        labels=np.zeros(count, np.int32),
        rows=np.arange(count, dtype=np.int64)[::-1],
        read=reads,
    )


def _survey(*parts):
    """Return the widths of the images, or why they cannot be read."""
    steps = []
    found = scan_dataset.survey(parts, max_pixels=10_000, advance=steps.append)
    assert sum(steps) == sum(len(part) for part in parts) == len(found)
    return [one.reason or one.width for one in found]


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
    memory, local, (gone, near) = np.split(np.array(_survey(*parts), object), [50, 80])
    assert memory.tolist() == list(range(59, 9, -1))
    assert local.tolist() == list(range(39, 9, -1))
    assert near == 15
    assert gone == "NotFoundError"


def test_what_is_too_large_is_refused():
    (reason,) = _survey(
        _part(record_reader.from_memory([image_files.solid("red", size=101)]), 1)
    )
    assert reason == (
        "the image has more pixels than --max_pixels=10000: height and width are "
        "101 101"
    )


def test_a_image_that_ends_its_process_is_named(monkeypatch):
    monkeypatch.setattr(image_stats, "start", functools.partial(os._exit, 1))
    with pytest.raises(errors.DataError, match="one of these.*image 0, image 1"):
        _survey(_part(record_reader.from_memory([b"", b""]), 2))


def test_a_process_that_ends_before_the_next_image_is_given_out_is_told(monkeypatch):
    def submit(*_):
        raise process.BrokenProcessPool("a child process terminated abruptly")

    monkeypatch.setattr(process.ProcessPoolExecutor, "submit", submit)
    with pytest.raises(errors.DataError, match="one of these.*image 0"):
        _survey(_part(record_reader.from_memory([b""]), 1))
