"""Images for tests, encoded in every way that users have."""

import io
import struct

import numpy as np
from PIL import Image, ImageOps, features

_HEIGHT, _WIDTH = 37, 53


def encode(image, kind, **options):
    """Return a Pillow image, or an array, as the bytes of a file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def gradient(height=_HEIGHT, width=_WIDTH):
    """Return an image that differs under every turn and flip, uint8 RGB."""
    down, across = np.mgrid[0:height, 0:width]
    channels = (down / height, across / width, (down + across) / (height + width))
    return (np.stack(channels, axis=-1) * 255).astype(np.uint8)


def noise(height, width):
    """Return a Pillow image that compresses badly."""
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def solid(color, size=32, kind="PNG"):
    """Return an encoded square of one color."""
    return encode(Image.new("RGB", (size, size), color), kind)


def of_every_kind():
    """Return encoded images by name; Pillow reads all of them."""
    color = Image.fromarray(gradient())
    gray, palette = color.convert("L"), color.quantize(32)
    alpha = Image.fromarray(gradient()[..., 1])
    see_through = color.copy()
    see_through.putalpha(alpha)
    gray_alpha = Image.merge("LA", (gray, alpha))
    deep = Image.fromarray(gradient()[..., 0].astype(np.uint16) * 250)
    later = [ImageOps.flip(color), ImageOps.mirror(color)]
    frames = {"save_all": True, "append_images": later}
    corner = tuple(int(value) for value in gradient()[0, 0])
    return {
        "jpeg": encode(color, "JPEG"),
        "jpeg-420": encode(color, "JPEG", quality=60, subsampling=2),
        "jpeg-progressive": encode(color, "JPEG", progressive=True),
        "jpeg-gray": encode(gray, "JPEG"),
        "jpeg-cmyk": encode(color.convert("CMYK"), "JPEG"),
        "jpeg-comment": encode(color, "JPEG", comment="Exif"),
        "png": encode(color, "PNG"),
        "png-gray": encode(gray, "PNG"),
        "png-1-bit": encode(gray.convert("1"), "PNG"),
        "png-4-bit-palette": encode(color.quantize(9), "PNG", bits=4),
        "png-palette": encode(palette, "PNG"),
        "png-palette-hole": encode(palette, "PNG", transparency=0),
        "png-palette-alpha": encode(see_through.quantize(32), "PNG"),
        "png-rgb-hole": encode(color, "PNG", transparency=corner),
        "png-alpha": encode(see_through, "PNG"),
        "png-gray-alpha": encode(gray_alpha, "PNG"),
        "png-16-bit": encode(deep, "PNG"),
        "gif": encode(palette, "GIF"),
        "gif-hole": encode(palette, "GIF", transparency=0),
        "gif-animated": encode(color, "GIF", **frames),
        "bmp": encode(color, "BMP"),
        "bmp-gray": encode(gray, "BMP"),
        "bmp-palette": encode(palette, "BMP"),
        "bmp-1-bit": encode(gray.convert("1"), "BMP"),
        "bmp-32-bit": encode(see_through, "BMP"),
        "webp": encode(color, "WEBP"),
        "webp-lossless": encode(color, "WEBP", lossless=True),
        "webp-alpha": encode(see_through, "WEBP", lossless=True),
        "webp-lossy-alpha": encode(see_through, "WEBP"),
        "webp-animated": encode(color, "WEBP", **frames),
        "1x1": encode(gradient(1, 1), "PNG"),
        "1x20000": encode(gradient(1, 20_000), "PNG"),
        "20000x1": encode(gradient(20_000, 1), "JPEG"),
    }


def read_by_pillow_alone():
    """Return encoded images by name, of formats that TensorFlow has no op for."""
    color = Image.fromarray(gradient())
    gray = color.convert("L")
    see_through = color.copy()
    see_through.putalpha(Image.fromarray(gradient()[..., 1]))
    deep = Image.fromarray(gradient()[..., 0].astype(np.uint16) * 250)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = {
        "tiff": encode(color, "TIFF"),
        "tiff-lzw": encode(color, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": encode(color, "TIFF", compression="jpeg"),
        "tiff-gray": encode(gray, "TIFF"),
        "tiff-1-bit": encode(gray.convert("1"), "TIFF", compression="group4"),
        "tiff-palette": encode(color.quantize(32), "TIFF"),
        "tiff-alpha": encode(see_through, "TIFF"),
        "tiff-cmyk": encode(color.convert("CMYK"), "TIFF"),
        "tiff-16-bit": encode(deep, "TIFF"),
        "tiff-pages": encode(
            color, "TIFF", save_all=True, append_images=[ImageOps.flip(color)]
        ),
        "tiff-turned": encode(color, "TIFF", exif=exif),
    }
    if features.check_module("avif"):
        found["avif"] = encode(color, "AVIF")
        found["avif-alpha"] = encode(see_through, "AVIF")
        found["avif-turned"] = encode(color, "AVIF", exif=exif)
    return found


def turned():
    """Return images with each EXIF orientation, by name."""
    found = {}
    for orientation in range(1, 9):
        for order in ("<", ">"):
            exif = Image.Exif()
            exif.endian = order
            exif[0x010F] = "Maker"
            exif[0x0112] = orientation
            name = f"{orientation}{order}"
            color = Image.fromarray(gradient())
            found[f"jpeg-{name}"] = encode(color, "JPEG", exif=exif.tobytes())
            found[f"png-{name}"] = encode(color, "PNG", exif=exif)
            found[f"webp-{name}"] = encode(color, "WEBP", exif=exif, lossless=True)
    return found


def tiff_of_large_tile(side):
    """Return a TIFF of 10 x 10 pixels in a tile of this side, which is cut."""
    sizes = [(256, 10), (257, 10), (258, 8), (259, 5), (262, 1), (277, 1)]
    tags = [*sizes, (322, side), (323, side), (324, 8 + 2 + 12 * 10 + 4), (325, 4)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + b"\0" * 4 + b"\x80\0\1\1"


def with_scans(jpeg, count):
    """Return a progressive JPEG whose last scan is there `count` times more."""
    start = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[start:-2] * count + jpeg[-2:]


def by_pillow(payload):
    """Return what Pillow makes of an image: upright, on white, RGB, first frame."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(payload)))
    if image.mode.startswith("I"):
        high = (np.asarray(image).astype(int) >> 8).astype(np.uint8)
        return np.repeat(high[..., None], 3, axis=-1)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return np.asarray(image.convert("RGB"))
