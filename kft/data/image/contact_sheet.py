"""Images in a grid with captions, as one PNG."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from kft.data.image import written_text

# Smaller images are shown with each pixel as a square of several.
_SMALLEST = 128
_TEXT = 13
_GAP = 6


def png(images: np.ndarray, captions: Sequence[str]) -> bytes:
    """Return a PNG of images row by row, in about as many columns as rows.

    Args:
        images: uint8 [n, height, width, 3], RGB; their pixels are shown as they are.
        captions: what stands beneath each, cut off where it is too long.
    """
    scale = max(1, math.ceil(_SMALLEST / min(images.shape[1:3])))
    height, width = (scale * side for side in images.shape[1:3])
    columns = math.ceil(math.sqrt(len(images)))
    cell = (width + _GAP, height + _GAP + 2 * _TEXT)
    rows = math.ceil(len(images) / columns)
    size = (columns * cell[0] + _GAP, rows * cell[1] + _GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    writer = written_text.Writer(captions, _TEXT)
    for number, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        place = (_GAP + column * cell[0], _GAP + row * cell[1])
        pixels = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
        sheet.paste(Image.fromarray(pixels), place)
        text = writer.fitting(caption, width)
        writer.write(draw, (place[0], place[1] + height + 2), text)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
