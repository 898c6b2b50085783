"""Every image gives the pixels that Pillow gives, or an error that says why."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from kft.data import bad_examples
from kft.data.image import decode, pillow
from tests.data import hostile, image_files

_KINDS = image_files.of_every_kind() | hostile.odd()
_TURNED = image_files.turned()
_RARE = image_files.read_by_pillow_alone()
_BROKEN = hostile.broken()
_HUGE = hostile.huge()


@pytest.fixture(scope="module")
def in_graph():
    """Return `decode` as tf.data runs it."""
    return tf.function(
        lambda payload: decode.decode(payload, max_pixels=10_000_000),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


@pytest.mark.parametrize("name", [*_KINDS, *_TURNED, *_RARE])
def test_pixels_are_those_of_pillow(name, in_graph):
    payload = (_KINDS | _TURNED | _RARE)[name]
    expected = image_files.by_pillow(payload)
    np.testing.assert_array_equal(decode.decode(tf.constant(payload)), expected)
    np.testing.assert_array_equal(in_graph(payload), expected)


def test_a_mirrored_photograph_is_not_the_plain_one():
    plain, mirrored = (decode.decode(_TURNED[f"jpeg-{o}<"]).numpy() for o in (1, 2))
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_exif_data_is_found_behind_other_segments(in_graph):
    payload = _TURNED["jpeg-6<"]
    filler = b"\xff\xe2" + struct.pack(">H", 3_002) + b"x" * 3_000
    moved = payload[:2] + filler + payload[2:]
    expected = image_files.by_pillow(payload)
    assert expected.shape == (53, 37, 3)
    np.testing.assert_array_equal(in_graph(moved), expected)


@pytest.mark.parametrize("cut", [12, 16, 20, 24, 30, 36])
def test_damaged_exif_data_counts_as_unsaid(cut, in_graph):
    payload = _TURNED["jpeg-6<"]
    start = payload.index(b"Exif\0\0")
    length = struct.unpack(">H", payload[start - 2 : start])[0]
    segment = payload[start : start + cut]
    damaged = (
        payload[: start - 2]
        + struct.pack(">H", cut + 2)
        + segment
        + payload[start - 2 + length :]
    )
    assert in_graph(damaged).shape in [(37, 53, 3), (53, 37, 3)]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_keep_the_high_byte(bits, channels, in_graph):
    values = np.arange(6 * 7 * channels).reshape(6, 7, channels) * 250
    deep = values.astype(np.uint16) | 0x00FF
    if channels in (2, 4):
        deep[..., -1] = 65_535
    stored = deep if bits == 16 else (deep >> 8).astype(np.uint8)
    payload = tf.io.encode_png(stored).numpy()
    color = (deep >> 8)[..., : 1 if channels < 3 else 3].astype(np.uint8)
    np.testing.assert_array_equal(in_graph(payload), np.broadcast_to(color, (6, 7, 3)))


def test_what_is_transparent_is_white(in_graph):
    payload = tf.io.encode_png(np.zeros([4, 4, 4], np.uint8)).numpy()
    assert (in_graph(payload).numpy() == 255).all()


def test_the_name_does_not_matter_but_the_content(tmp_path, in_graph):
    for kind in ("PNG", "GIF", "WEBP", "BMP"):
        payload = image_files.solid((255, 0, 0), kind=kind)
        assert in_graph(payload).numpy().mean(axis=(0, 1)) == pytest.approx(
            [255, 0, 0], abs=3
        )


@pytest.mark.parametrize("name", _HUGE)
def test_an_absurd_size_is_refused_by_the_header(name, in_graph):
    with pytest.raises(tf.errors.OpError) as caught:
        in_graph(_HUGE[name])
    line = bad_examples.first_line(caught.value)
    assert "the image has more pixels than --max_pixels=10000000" in line
    assert line.count("height and width are") <= 1
    assert not line.endswith(" are")


def test_transparency_is_blended_alike_in_parts(monkeypatch):
    payload = _KINDS["png-alpha"]
    monkeypatch.setattr(decode, "_PIXELS_AT_ONCE", 100)
    image = decode.decode(tf.constant(payload))
    np.testing.assert_array_equal(image, image_files.by_pillow(payload))


@pytest.mark.parametrize("name", ["gif-hole", "bmp-palette", "tiff-16-bit"])
def test_pillow_reads_alike_in_parts(name, monkeypatch):
    payload = (_KINDS | _RARE)[name]
    monkeypatch.setattr(pillow, "_PIXELS_AT_ONCE", 100)
    np.testing.assert_array_equal(pillow.read(payload), image_files.by_pillow(payload))


def test_tiles_larger_than_a_tiff_are_refused(in_graph):
    payload = image_files.tiff_of_large_tile(20_000)
    with pytest.raises(tf.errors.OpError, match="height and width of its tiles are"):
        in_graph(payload)


@pytest.mark.parametrize("name", _BROKEN)
def test_a_damaged_image_is_an_error_of_one_line(name, in_graph):
    with pytest.raises(tf.errors.OpError) as caught:
        in_graph(_BROKEN[name])
    line = bad_examples.first_line(caught.value)
    assert line
    assert "\n" not in line
    assert "function_node" not in line


def test_a_image_with_a_damaged_header_is_told_from_what_is_none(in_graph):
    with pytest.raises(tf.errors.OpError) as caught:
        in_graph(_BROKEN["gif magic"])
    assert bad_examples.first_line(caught.value) == (
        "a damaged image: expected JPEG, PNG, WebP, GIF, BMP or TIFF, received 6 bytes "
        "that begin with b'GIF89a'"
    )


def test_at_least_60_hostile_images_are_tried():
    assert len(hostile.odd()) + len(_BROKEN) + len(_HUGE) >= 100


def test_what_is_no_image_says_what_it_begins_with(in_graph):
    with pytest.raises(tf.errors.OpError) as caught:
        in_graph(b"<!DOCTYPE html>")
    assert bad_examples.first_line(caught.value) == (
        "not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF, received 15 bytes "
        "that begin with b'<!DOCTYPE html>'"
    )


def test_a_file_that_git_lfs_has_not_fetched_says_so(in_graph):
    with pytest.raises(tf.errors.OpError, match="`git lfs pull` fetches it"):
        in_graph(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_a_tiff_of_32_bits_is_refused_for_its_white_is_not_known(kind, in_graph):
    payload = image_files.encode(np.ones([8, 8], kind), "TIFF")
    with pytest.raises(tf.errors.OpError, match="32 bits a value: expected 8 or 16"):
        in_graph(payload)


def test_a_large_tiff_is_refused_by_its_header(in_graph):
    payload = image_files.encode(np.ones([4000, 4000], bool), "TIFF")
    with pytest.raises(tf.errors.OpError, match="more pixels than --max_pixels"):
        in_graph(payload)
