"""Images of 16 bits that are nearly black are named before anything is trained."""

import numpy as np
import pytest
from PIL import Image

from kft import config, tasks
from kft.data.image import dark_16_bit
from tests.data import image_files


def _make(root, **most):
    """Make images in two classes; `most` is the largest value by the name's start."""
    for kind in ("cat", "dog"):
        (root / kind).mkdir(parents=True)
        for name, largest in most.items():
            values = np.linspace(0, largest, 64).astype(np.uint16).reshape(8, 8)
            for number in range(4):
                path = root / kind / f"{name}{number}.png"
                path.write_bytes(image_files.encode(values, "PNG"))
    options = config.TrainConfig(dataset=f"folder:{root}", validation_fraction=0.0)
    return options, tasks.load_splits(options)


def test_images_of_12_bits_are_named_with_what_to_do(tmp_path):
    options, splits = _make(tmp_path, dark=4095, bright=65535)
    (said,) = tasks.kind(options.task).cautions(options, splits)
    assert "8 of 16 training images that were looked at have 16 bits and values" in said
    assert "cat/dark0.png" in said
    assert "write them anew" in said


def test_nothing_is_said_of_others_and_of_what_cannot_be_read(tmp_path):
    options, splits = _make(tmp_path, bright=65535, just=4096)
    (tmp_path / "cat/just0.png").write_bytes(b"no image")
    (tmp_path / "dog/just0.png").unlink()
    assert list(tasks.kind(options.task).cautions(options, splits)) == []


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_images_of_8_bits_have_no_such_number(mode):
    image = Image.new(mode, (4, 4))
    assert dark_16_bit.used_bits(image) is None
