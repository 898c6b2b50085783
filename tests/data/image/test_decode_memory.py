"""An image of `--max_pixels` decodes in memory that these bound, whatever it holds."""

import json
import os
import struct
import subprocess
import sys

import pytest
from PIL import Image

from tests.data import image_files

_SIDE = 5_000
# An animated WebP takes 16: its decoder has two frames, of which Pillow copies one.
_BYTES_PER_PIXEL = 18
# What threads and arenas take of the address space, however large an image is.
_RESERVED_MEBIBYTES = 256
# So that the address space says what is used: one arena, and large blocks are returned.
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
_WHOLE = [_SIDE, _SIDE, 3]
_TOO_LARGE = "the image has more pixels than --max_pixels"


def _large():
    """Return images of exactly `_SIDE` squared pixels by name."""
    encode = image_files.encode
    color = Image.new("RGB", (_SIDE, _SIDE), (16, 32, 48))
    clear = Image.new("RGBA", (_SIDE, _SIDE), (16, 32, 48, 64))
    palette = Image.new("P", (_SIDE, _SIDE))
    palette.putpalette([16, 32, 48] * 256)
    exif = Image.Exif()
    exif[0x0112] = 6
    fast = {"compress_level": 1}
    return {
        "jpeg-progressive": encode(color, "JPEG", progressive=True, subsampling=0),
        "png-alpha": encode(clear, "PNG", **fast),
        "png-alpha-turned": encode(clear, "PNG", exif=exif, **fast),
        "png-palette-hole": encode(palette, "PNG", transparency=0, **fast),
        "webp-lossless-alpha": encode(clear, "WEBP", lossless=True, quality=0),
        "webp-animated": encode(
            clear, "WEBP", save_all=True, append_images=[color], method=0
        ),
        "gif-of-many-frames": _many_frames(encode(palette, "GIF"), 40),
        "bmp-palette": encode(palette, "BMP"),
        "tiff-alpha": encode(clear, "TIFF", compression="tiff_lzw"),
    }


def _many_frames(gif, count):
    start = gif.index(b"\x2c\0\0\0\0" + struct.pack("<HH", _SIDE, _SIDE))
    # A small screen, and frames that are not.
    head = gif[:6] + struct.pack("<HH", 100, 100) + gif[10:start]
    return head + gif[start:-1] * count + gif[-1:]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS and /proc")
def test_images_of_all_formats_decode_in_bounded_memory(tmp_path):
    files = _large() | {"tiff-of-a-large-tile": image_files.tiff_of_large_tile(20_000)}
    for name, payload in files.items():
        (tmp_path / name).write_bytes(payload)
    mebibytes = _RESERVED_MEBIBYTES + (_SIDE * _SIDE * _BYTES_PER_PIXEL >> 20)
    command = [sys.executable, "-m", "tests.data.image.decode_within"]
    command += [str(_SIDE * _SIDE), str(mebibytes)]
    done = subprocess.run(
        [*command, *(str(tmp_path / name) for name in files)],
        env=os.environ | _ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    outcomes = dict(zip(files, json.loads(done.stdout), strict=True))
    assert _TOO_LARGE in outcomes.pop("tiff-of-a-large-tile")[0]
    refused = {"webp-animated", "tiff-alpha"}
    for name, (in_training, in_export) in outcomes.items():
        assert in_training == _WHOLE, name
        assert in_export == _WHOLE or name in refused, (name, in_export)
