"""An export gives the pixels that training saw, or refuses an image."""

import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps, PngImagePlugin

from kft.data import bad_examples
from kft.data.image import decode, decode_graph
from tests.data import hostile, image_files

_KINDS = image_files.of_every_kind() | hostile.odd()
_TURNED = image_files.turned()
_RARE = image_files.read_by_pillow_alone()
_BROKEN = hostile.broken()
_HUGE = hostile.huge()
_REFUSED = {"bmp-1-bit", "webp-animated"}


def _exif(orientation=None):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    if orientation:
        exif[0x0112] = orientation
    return exif


def _xmp(orientation, *, zip=False):
    info = PngImagePlugin.PngInfo()
    text = f'<rdf:Description tiff:Orientation="{orientation}"/>'
    info.add_itxt("XML:com.adobe.xmp", text, zip=zip)
    return info


def _bmp(bits, pixels, *, palette=b"", compression=0, colors=0, height=4, more=b""):
    size = 40 + len(more)
    fields = (size, 4, height, 1, bits, compression, 0, 0, 0, colors, 0)
    head = struct.pack("<IiiHHIIiiII", *fields) + more
    start = 14 + len(head) + len(palette)
    file_head = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    return file_head + head + palette + pixels


def _modes():
    """Return images by name, in modes that other readers than Pillow differ about."""
    encode = image_files.encode
    color = Image.fromarray(image_files.gradient())
    gray, palette, few = color.convert("L"), color.quantize(200), color.quantize(4)
    alpha = Image.fromarray(image_files.gradient()[..., 1])
    clear, gray_alpha = color.copy(), Image.merge("LA", (gray, alpha))
    clear.putalpha(alpha)
    deep = Image.fromarray(image_files.gradient()[..., 0].astype(np.uint16) * 250)
    corner = tuple(int(value) for value in image_files.gradient()[0, 0])
    later = {"save_all": True, "append_images": [ImageOps.flip(palette)]}
    noise = np.random.default_rng(0).integers(0, 256, 64, dtype=np.uint8).tobytes()
    table = bytes(value for i in range(256) for value in (i, 255 - i, i // 2, 0))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    xmp = b'<x tiff:Orientation="6"/>'
    return {
        "png-few-turned": encode(few, "PNG", bits=2, exif=_exif(6)),
        "png-few-upright-by-xmp": encode(few, "PNG", bits=2, pnginfo=_xmp(1)),
        "png-alpha-turned": encode(clear, "PNG", exif=_exif(6)),
        "png-palette-hole-turned": encode(
            palette, "PNG", exif=_exif(8), transparency=3
        ),
        "png-16-bit-turned": encode(deep, "PNG", exif=_exif(6)),
        "png-gray-alpha-turned": encode(gray_alpha, "PNG", exif=_exif(5)),
        "png-rgb-hole-turned": encode(color, "PNG", exif=_exif(6), transparency=corner),
        "png-exif-that-does-not-turn": encode(color, "PNG", exif=_exif()),
        "png-exif-before-xmp": encode(color, "PNG", exif=_exif(3), pnginfo=_xmp(6)),
        "webp-lossy-turned": encode(color, "WEBP", exif=_exif(8)),
        "webp-alpha-turned": encode(clear, "WEBP", exif=_exif(6)),
        "webp-upright-by-xmp": encode(color, "WEBP", xmp=xmp.replace(b"6", b"1")),
        "webp-profile": encode(clear, "WEBP", icc_profile=b"x" * 3_000),
        "gif-gray": encode(gray, "GIF"),
        "gif-gray-hole": encode(gray, "GIF", transparency=100),
        "gif-1-bit-hole": encode(gray.convert("1"), "GIF", transparency=0),
        "gif-alpha": encode(clear, "GIF"),
        "gif-animated-hole": encode(palette, "GIF", transparency=3, **later),
        "gif-animated-alpha": encode(clear, "GIF", **later),
        "gif-comment": encode(palette, "GIF", comment=b"x" * 3_000),
        "gif-many-blocks": encode(image_files.noise(300, 400).quantize(256), "GIF"),
        "bmp-256-colours": _bmp(8, noise[:16], palette=table),
        "bmp-256-colours-downwards": _bmp(8, noise[:16], palette=table, height=-4),
        "bmp-256-colours-v4": _bmp(8, noise[:16], palette=table, more=b"\0" * 68),
        "bmp-16-colours-of-8-bits": _bmp(
            8, bytes(range(16)), palette=table[:64], colors=16
        ),
        "bmp-32-bits": _bmp(32, noise),
        "jpeg-cmyk-turned": encode(color.convert("CMYK"), "JPEG", exif=_exif(6)),
    }, {
        "png-few-hole": encode(few, "PNG", bits=2, transparency=1),
        "png-few-turned-by-xmp": encode(few, "PNG", bits=2, pnginfo=_xmp(6)),
        "png-few-packed-xmp": encode(few, "PNG", bits=2, pnginfo=_xmp(6, zip=True)),
        "png-exif-and-xmp": encode(color, "PNG", exif=_exif(), pnginfo=_xmp(6)),
        "webp-turned-by-xmp": encode(color, "WEBP", xmp=xmp),
        "gif-part": _partial_gif(encode(palette, "GIF")),
        "bmp-unknown-colours": _bmp(8, bytes(range(16)), palette=table[:40], colors=10),
        "bmp-run-lengths": _bmp(
            8, b"\4\1\0\0" * 4 + b"\0\1", palette=table, compression=1
        ),
        "bmp-4-bits": _bmp(4, noise[:16], palette=table[:64]),
        "bmp-16-bits": _bmp(16, noise[:32]),
        "bmp-masks": _bmp(32, noise, compression=3, more=masks),
    }


def _partial_gif(gif):
    width, height = struct.unpack("<HH", gif[6:10])
    return gif[:6] + struct.pack("<HH", width + 9, height) + gif[10:]


_EQUAL, _DIFFICULT = _modes()


@pytest.fixture(scope="module")
def as_trained():
    """Return `decode` as tf.data runs it."""
    return tf.function(decode.decode, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.fixture(scope="module")
def as_exported():
    """Return `decode_in_graph` as an export runs it."""
    return tf.function(
        lambda payload: decode_graph.decode_in_graph(payload, max_pixels=10_000_000),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


@pytest.mark.parametrize("name", sorted({*_KINDS, *_TURNED, *_EQUAL} - _REFUSED))
def test_the_export_sees_the_same_pixels(name, as_trained, as_exported):
    payload = (_KINDS | _TURNED | _EQUAL)[name]
    expected = image_files.by_pillow(payload)
    np.testing.assert_array_equal(as_trained(payload), expected)
    np.testing.assert_array_equal(as_exported(payload), expected)


@pytest.mark.parametrize("name", [*_RARE, *_DIFFICULT, *sorted(_REFUSED)])
def test_the_export_refuses_what_it_would_read_otherwise(name, as_exported):
    with pytest.raises(tf.errors.InvalidArgumentError):
        as_exported((_KINDS | _RARE | _DIFFICULT)[name])


def test_the_export_holds_no_python(as_exported):
    graph = as_exported.get_concrete_function().graph.as_graph_def()
    functions = [node for f in graph.library.function for node in f.node_def]
    assert not {"PyFunc", "EagerPyFunc", "PyFuncStateless"} & {
        node.op for node in [*graph.node, *functions]
    }


@pytest.mark.parametrize("name", _HUGE)
def test_an_absurd_size_is_refused_by_the_header(name, as_exported):
    with pytest.raises(tf.errors.OpError) as caught:
        as_exported(_HUGE[name])
    line = bad_examples.first_line(caught.value)
    assert "the image has more pixels than --max_pixels=10000000" in line
    assert not line.endswith(" are")


@pytest.mark.parametrize("name", sorted(set(_BROKEN) - {"svg"}))
def test_what_training_cannot_read_is_not_answered(name, as_exported):
    with pytest.raises(tf.errors.OpError):
        as_exported(_BROKEN[name])


@pytest.mark.parametrize("fault", ["kind", "count", "cut"])
@pytest.mark.parametrize("name", ["webp-6<", "webp-6>", "png-6<", "png-6>"])
def test_an_orientation_that_is_no_number_is_refused(name, fault, as_exported):
    payload = _TURNED[name]
    order = name[-1]
    tag = struct.pack(f"{order}HHI", 0x0112, 3, 1)
    other = struct.pack(f"{order}HHI", 0x0112, *((1, 1) if fault == "kind" else (3, 9)))
    if fault == "cut":
        # The name of the maker is longer than what there is.
        tag = struct.pack(f"{order}HHI", 0x010F, 2, 6)
        other = struct.pack(f"{order}HHI", 0x010F, 2, 60_000)
    assert tag in payload
    damaged = payload.replace(tag, other)
    if name.startswith("png"):
        start = damaged.index(b"eXIf")
        size = int.from_bytes(damaged[start - 4 : start])
        checksum = struct.pack(">I", zlib.crc32(damaged[start : start + 4 + size]))
        end = start + 4 + size
        damaged = damaged[:end] + checksum + damaged[end + 4 :]
    with pytest.raises(tf.errors.InvalidArgumentError, match="whole EXIF data"):
        as_exported(damaged)


def test_a_bmp_cut_before_its_colours_is_refused_without_its_bytes(as_exported):
    payload = _KINDS["bmp-palette"][:50]
    with pytest.raises(tf.errors.InvalidArgumentError):
        as_exported(payload)
    cut = bytearray(_KINDS["bmp-palette"])
    # The pixels stand where the colours should, which are nowhere.
    cut[10:14] = struct.pack("<I", 54)
    with pytest.raises(tf.errors.InvalidArgumentError):
        as_exported(bytes(cut[:54]))


def test_a_gif_of_very_many_small_blocks_is_refused(as_exported):
    gif = _KINDS["gif"]
    start = gif.index(b"\x2c")
    comment = b"\x21\xfe" + b"\1x\2xx" * 10_000 + b"\0"
    with pytest.raises(tf.errors.InvalidArgumentError, match="very many small blocks"):
        as_exported(gif[:start] + comment + gif[start:])
