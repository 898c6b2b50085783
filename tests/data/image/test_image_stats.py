"""What an audit sees in one image is what training would see."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from kft.data.image import decode, image_stats
from tests.data import hostile, image_files

_LIMIT = 10_000_000


def _look(payload):
    return image_stats.measure(payload, _LIMIT)


def _photograph(seed, size=(240, 180)):
    """Return an image with as much structure as a photograph has."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def _bits(one, other):
    return (_look(one).hash ^ _look(other).hash).bit_count()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_the_kind_is_that_of_the_content(kind):
    found = _look(image_files.encode(_photograph(0), kind))
    assert found.kind == kind
    assert (found.width, found.height) == (240, 180)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photograph_is_seen_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = image_files.encode(_photograph(1), kind, exif=exif, quality=95)
    height, width, _ = image_files.by_pillow(turned).shape
    upright = image_files.encode(image_files.by_pillow(turned), "PNG")
    assert (_look(turned).width, _look(turned).height) == (width, height)
    assert _bits(turned, upright) <= 2


_COPIES = {
    "encoded again": lambda p: image_files.encode(p, "JPEG", quality=30),
    "another format": lambda p: image_files.encode(p, "WEBP", quality=60),
    "half the size": lambda p: image_files.encode(p.resize((120, 90)), "PNG"),
    "brighter": lambda p: image_files.encode(
        ImageEnhance.Brightness(p).enhance(1.1), "JPEG"
    ),
    "more contrast": lambda p: image_files.encode(
        ImageEnhance.Contrast(p).enhance(1.1), "JPEG"
    ),
    "gray": lambda p: image_files.encode(p.convert("L"), "PNG"),
    "squashed": lambda p: image_files.encode(p.resize((200, 200)), "JPEG", quality=90),
}


@pytest.mark.parametrize("name", _COPIES)
def test_copies_have_nearly_the_same_hash(name):
    for seed in range(10):
        image = _photograph(seed)
        plain = image_files.encode(image, "PNG")
        assert _bits(plain, _COPIES[name](image)) <= 6, seed


def test_different_images_have_other_hashes():
    found = [_look(image_files.encode(_photograph(seed), "PNG")) for seed in range(40)]
    distances = [
        (one.hash ^ other.hash).bit_count()
        for i, one in enumerate(found)
        for other in found[:i]
    ]
    assert min(distances) > 12


def test_small_and_flat_images_have_no_hash():
    assert _look(image_files.encode(_photograph(0, (64, 90)), "PNG")).hash is not None
    assert _look(image_files.encode(_photograph(0, (63, 90)), "PNG")).hash is None
    flat = _look(image_files.solid("red", size=200))
    assert (flat.is_flat, flat.hash) == (True, None)
    assert not _look(image_files.encode(_photograph(0, (8, 8)), "PNG")).is_flat


@pytest.fixture(scope="module")
def training_reads():
    """Return a function that tells whether training can read an image."""
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


_ALL = image_files.of_every_kind() | hostile.odd() | hostile.broken()
_ALL |= {f"huge {name}": payload for name, payload in hostile.huge().items()}


@pytest.mark.parametrize("name", _ALL)
def test_an_audit_reads_what_training_reads(name, training_reads):
    payload = _ALL[name]
    if training_reads(payload):
        found = _look(payload)
        assert (found.height, found.width, 3) == image_files.by_pillow(payload).shape
    else:
        # Pillow's decoders raise errors of many kinds.
        with pytest.raises(Exception, match=r"\S"):
            _look(payload)


def test_a_thumbnail_is_small_and_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    large = image_files.encode(_photograph(0, (800, 400)), "JPEG", exif=exif)
    small = Image.open(io.BytesIO(image_stats.thumbnail(large)))
    assert (small.format, small.size) == ("JPEG", (80, 160))
