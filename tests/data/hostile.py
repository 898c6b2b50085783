"""Files that users have where images are expected: odd ones, and broken ones."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.data import image_files

_CUT = ("jpeg", "jpeg-progressive", "png", "gif", "bmp", "webp", "webp-alpha")


def odd():
    """Return encoded images by name that are strange, and yet have right pixels."""
    color = Image.fromarray(image_files.gradient())
    kinds = image_files.of_every_kind()
    cmyk, png, jpeg = kinds["jpeg-cmyk"], kinds["png"], kinds["jpeg"]
    mode = cmyk.index(b"Adobe") + 11
    later = [color.rotate(180)]
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        # The same numbers, said to be YCCK: other colors, and a right image of them.
        "jpeg-ycck": cmyk[:mode] + b"\2" + cmyk[mode + 1 :],
        "jpeg-with-more-behind": jpeg + b"\0" * 5_000,
        "jpeg-in-jpeg-behind": jpeg + jpeg,
        "jpeg-411": image_files.encode(color, "JPEG", subsampling="4:1:1"),
        "jpeg-quality-1": image_files.encode(color, "JPEG", quality=1),
        "jpeg-restarts": image_files.encode(color, "JPEG", restart_marker_rows=1),
        "jpeg-icc": image_files.encode(color, "JPEG", icc_profile=b"x" * 70_000),
        "jpeg-several": image_files.encode(
            color, "MPO", save_all=True, append_images=later
        ),
        "jpeg-exif-of-60-kb": image_files.encode(
            color, "JPEG", exif=exif.tobytes() + b"\0" * 60_000
        ),
        "png-with-more-behind": png + b"\0" * 5_000,
        "png-animated": image_files.encode(
            color, "PNG", save_all=True, append_images=later
        ),
        "png-2-bit": image_files.encode(color.quantize(4), "PNG", bits=2),
        "png-interlaced": interlaced(image_files.gradient()),
        "png-16-bit-alpha": _deep_alpha(),
        "png-1x1-transparent": image_files.encode(Image.new("RGBA", (1, 1)), "PNG"),
        "gif-1x1": image_files.encode(Image.new("P", (1, 1)), "GIF"),
        "gif-interlaced": image_files.encode(color.quantize(), "GIF", interlace=1),
        "bmp-downwards": _downwards(kinds["bmp"]),
        "webp-1x1": image_files.encode(Image.new("RGB", (1, 1)), "WEBP"),
        "webp-exif": image_files.encode(color, "WEBP", exif=exif, lossless=True),
    }


def broken():
    """Return contents by name that are no images, or damaged ones."""
    kinds, turned = image_files.of_every_kind(), image_files.turned()
    png, jpeg = kinds["png"], kinds["jpeg"]
    found = {
        "nothing": b"",
        "one byte": b"\xff",
        "two bytes": b"\xff\xd8",
        "jpeg magic": b"\xff\xd8\xff",
        "png magic": b"\x89PNG\r\n\x1a\n",
        "webp magic": b"RIFF\0\0\0\0WEBP",
        "webp lossy magic": b"RIFF\0\0\0\0WEBPVP8 ",
        "gif magic": b"GIF89a",
        "bmp magic": b"BM",
        "text": b"This is a text file with a name that ends in .jpg.\n" * 20,
        "zeros": b"\0" * 1000,
        "html": b"<!DOCTYPE html><html>404</html>",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "zip": b"PK\3\4\x14\0\0\0\x08\0",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "tiff cut": image_files.encode(image_files.gradient(), "TIFF")[:900],
        "ico": image_files.encode(image_files.gradient(), "ICO"),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "jpeg behind a byte": b"\n" + jpeg,
        "jpeg with exif and no image": turned["jpeg-6<"][:90],
        "jpeg of no height": _resized_jpeg(jpeg, 0, 53),
        "png of no width": png[:16] + struct.pack(">I", 0) + png[20:],
        "png of 3 bits": png[:24] + b"\3" + png[25:],
        "png of a damaged header": png[:18] + b"\1" + png[19:],
        "png without pixels": png[:33] + png[-12:],
        "png of damaged pixels": png[:60] + b"\0" * 40 + png[100:],
        "gif without images": kinds["gif"][:13] + b";",
        "bmp of 7 bits": kinds["bmp"][:28] + b"\7" + kinds["bmp"][29:],
        "webp of damaged size": kinds["webp"][:16] + b"\0\0\0\1" + kinds["webp"][20:],
    }
    return found | {
        f"{name} cut at {tenth}/10": kinds[name][: len(kinds[name]) * tenth // 10]
        for name in _CUT
        for tenth in range(1, 10)
    }


def huge():
    """Return images by format whose headers claim 16,000 pixels a side, or more."""
    size = struct.pack("<HH", 30_000, 30_000)
    gif, bmp = (image_files.solid("red", kind=kind) for kind in ("GIF", "BMP"))
    webp = image_files.encode(image_files.gradient(8, 8), "WEBP")
    jpeg = image_files.encode(image_files.gradient(8, 8), "JPEG")
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return {
        "jpeg": _resized_jpeg(jpeg, 30_000, 30_000),
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\r"
        + head
        + struct.pack(">I", zlib.crc32(head)),
        "gif": gif[:6] + size + gif[10:],
        "bmp": bmp[:18] + struct.pack("<ii", 30_000, -30_000) + bmp[26:],
        "webp": webp[:26] + struct.pack("<HH", 16_000, 16_000) + webp[30:],
    }


def interlaced(pixels):
    """Return a PNG whose rows come in the 7 passes of Adam7, from uint8 RGB."""
    starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
    starts += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in starts
        for row in pixels[top::down, left::across]
    )
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name, content):
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def _deep_alpha():
    """Return a PNG of 16 bits, gray with alpha, all of it opaque."""
    gray = (image_files.gradient()[..., 0].astype(">u2") * 257)[..., None]
    rows = np.concatenate([gray, np.full_like(gray, 65_535)], axis=-1).astype(">u2")
    height, width, _ = gray.shape
    head = struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = ((b"IHDR", head), (b"IDAT", content), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _downwards(bmp):
    """Return a BMP with its rows from the top, which a negative height says."""
    width, height = struct.unpack("<ii", bmp[18:26])
    stride = (3 * width + 3) // 4 * 4
    start = struct.unpack("<I", bmp[10:14])[0]
    rows = [bmp[start + stride * row :][:stride] for row in range(height)]
    head = bmp[:22] + struct.pack("<i", -height) + bmp[26:start]
    return head + b"".join(reversed(rows))


def _resized_jpeg(jpeg, height, width):
    size = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:size] + struct.pack(">HH", height, width) + jpeg[size + 4 :]
