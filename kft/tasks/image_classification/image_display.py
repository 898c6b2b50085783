"""What people see of images."""

from collections.abc import Sequence

import numpy as np

from kft.data.image import contact_sheet

_MAGIC = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp"}


class ImageDisplay:
    """Images and where the network looked. See `kft.tasks.task.Display`."""

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded image, by its first bytes."""
        for magic, ending in _MAGIC.items():
            if payload.startswith(magic):
                return ending
        return ".webp" if payload[8:12] == b"WEBP" else ""

    def preview(self, inputs: np.ndarray, captions: Sequence[str]) -> bytes:
        """Return a PNG of images, uint8 [n, size, size, 3], in a grid."""
        return contact_sheet.png(inputs, captions)
