"""What an audit sees in one picture is what training would see."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from kft.auditing import picture_stats
from kft.data.image import decode
from tests.data import hostile, pictures

_LIMIT = 10_000_000


def _look(payload):
    (found,) = picture_stats.look_at([payload], _LIMIT)
    return found


def _photograph(seed, size=(240, 180)):
    """Return a picture with as much structure as a photograph has."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def _bits(one, other):
    return (_look(one).hash ^ _look(other).hash).bit_count()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_the_kind_is_that_of_the_content(kind):
    found = _look(pictures.encode(_photograph(0), kind))
    assert (found.reason, found.kind) == (None, kind)
    assert (found.width, found.height) == (240, 180)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photograph_is_seen_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = pictures.encode(_photograph(1), kind, exif=exif, quality=95)
    height, width, _ = pictures.by_pillow(turned).shape
    upright = pictures.encode(pictures.by_pillow(turned), "PNG")
    assert (_look(turned).width, _look(turned).height) == (width, height)
    assert _bits(turned, upright) <= 2


_COPIES = {
    "encoded again": lambda p: pictures.encode(p, "JPEG", quality=30),
    "another format": lambda p: pictures.encode(p, "WEBP", quality=60),
    "half the size": lambda p: pictures.encode(p.resize((120, 90)), "PNG"),
    "brighter": lambda p: pictures.encode(
        ImageEnhance.Brightness(p).enhance(1.1), "JPEG"
    ),
    "more contrast": lambda p: pictures.encode(
        ImageEnhance.Contrast(p).enhance(1.1), "JPEG"
    ),
    "gray": lambda p: pictures.encode(p.convert("L"), "PNG"),
    "squashed": lambda p: pictures.encode(p.resize((200, 200)), "JPEG", quality=90),
}


@pytest.mark.parametrize("name", _COPIES)
def test_copies_have_nearly_the_same_hash(name):
    for seed in range(10):
        picture = _photograph(seed)
        plain = pictures.encode(picture, "PNG")
        assert _bits(plain, _COPIES[name](picture)) <= 6, seed


def test_different_pictures_have_other_hashes():
    found = [_look(pictures.encode(_photograph(seed), "PNG")) for seed in range(40)]
    distances = [
        (one.hash ^ other.hash).bit_count()
        for i, one in enumerate(found)
        for other in found[:i]
    ]
    assert min(distances) > 12


def test_small_and_flat_pictures_have_no_hash():
    assert _look(pictures.encode(_photograph(0, (64, 90)), "PNG")).hash is not None
    assert _look(pictures.encode(_photograph(0, (63, 90)), "PNG")).hash is None
    flat = _look(pictures.solid("red", size=200))
    assert (flat.is_flat, flat.hash) == (True, None)
    assert not _look(pictures.encode(_photograph(0, (8, 8)), "PNG")).is_flat


@pytest.fixture(scope="module")
def training_reads():
    """Return a function that tells whether training can read a picture."""
    read = tf.function(
        lambda payload: decode.decode(payload, max_pixels=_LIMIT),
        input_signature=[tf.TensorSpec([], tf.string)],
    )

    def can_read(payload):
        try:
            read(payload)
        except tf.errors.OpError:
            return False
        return True

    return can_read


_ALL = pictures.of_every_kind() | hostile.odd() | hostile.broken()
_ALL |= {f"huge {name}": payload for name, payload in hostile.huge().items()}


@pytest.mark.parametrize("name", _ALL)
def test_an_audit_reads_what_training_reads(name, training_reads):
    found = _look(_ALL[name])
    assert (found.reason is None) == training_reads(_ALL[name]), found.reason
    if found.reason is None:
        assert (found.height, found.width, 3) == pictures.by_pillow(_ALL[name]).shape
    else:
        assert "\n" not in found.reason


def test_a_file_that_can_not_be_opened_is_a_reason(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for name, reason in (
        ("gone.jpg", "No such file or directory"),
        ("folder.jpg", "Is a directory"),
    ):
        assert _look(str(tmp_path / name)).reason == reason
        assert picture_stats.thumbnail(str(tmp_path / name)) is None
    assert _look(picture_stats.Unread("no network")).reason == "no network"


def test_a_thumbnail_is_small_and_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    large = pictures.encode(_photograph(0, (800, 400)), "JPEG", exif=exif)
    small = Image.open(io.BytesIO(picture_stats.thumbnail(large)))
    assert (small.format, small.size) == ("JPEG", (80, 160))
