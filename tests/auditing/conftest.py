"""A data set with one of everything that an audit looks for."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.data import image_files

EVIL = "<img src=x onerror=alert(1)>"


def photograph(seed, size=(240, 180)):
    """Return an image with as much structure as a photograph has."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """Return a folder of 24 different images, split by itself. Not to be changed."""
    root = tmp_path_factory.mktemp("clean") / "photos"
    for number in range(24):
        split = "train" if number < 16 else "val"
        path = root / split / ("cat", EVIL)[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image_files.encode(photograph(number), "JPEG", quality=90))
    return root


@pytest.fixture(scope="session")
def dirty(clean, tmp_path_factory):
    """Return `clean` with one of everything. Not to be changed."""
    root = tmp_path_factory.mktemp("dirty") / "photos"
    shutil.copytree(clean, root)
    train, val = root / "train", root / "val"
    # The images 0, 2, ... of train are cats.
    shutil.copy(train / "cat/0.jpg", val / "cat/exact across splits.jpg")
    shutil.copy(train / "cat/2.jpg", train / EVIL / "exact across labels.jpg")
    shutil.copy(train / "cat/4.jpg", train / "cat/exact in one.jpg")
    six, eight, ten = (Image.open(train / f"cat/{n}.jpg") for n in (6, 8, 10))
    six.save(val / "cat/encoded again.jpg", quality=40)
    eight.resize((120, 90)).save(val / EVIL / "half.jpg", quality=90)
    ImageEnhance.Brightness(ten).enhance(1.1).save(train / "cat/brighter.webp")
    (val / "cat/cut.jpg").write_bytes((train / "cat/0.jpg").read_bytes()[:2000])
    (val / "cat/text.jpg").write_bytes(b"This is text.")
    (val / "cat/gone.png").symlink_to(root / "nowhere.png")
    photograph(100).save(train / "cat/in truth a png.jpg", "PNG")
    photograph(101, (20, 40)).save(train / "cat/tiny.png")
    photograph(102, (600, 100)).save(train / "cat/long.png")
    Image.new("RGB", (300, 200), "navy").save(train / "cat/flat.png")
    (train / "cat/notes.txt").write_text("These are cats.")
    (root / ".DS_Store").write_bytes(b"\0")
    return root
