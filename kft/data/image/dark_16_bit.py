"""Gray images of 16 bits that use few of them, such as those of a 12-bit camera.

White is 65,535, so they are nearly black, to a network as to a person.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from kft import errors
from kft.data.examples import Splits
from kft.data.image import pillow

# Of 16: with so many or fewer, the brightest pixel is nearly black.
FEW_BITS = 12
ADVICE = (
    "Black is 0 and white 65,535, and their values end far below: write them anew with "
    "their values spread over all 16 bits, or as 8 bits."
)
_FORMATS = ("PNG", "TIFF")
# Training images that are looked at, and names that are shown.
_LOOKED, _SHOWN = 16, 3


def used_bits(image: Image.Image) -> int | None:
    """Return how many bits the largest value needs; None but for 16-bit gray images."""
    if not image.mode.startswith("I"):
        return None
    return int(np.asarray(image).max()).bit_length()


def cautions(splits: Splits, *, max_pixels: int) -> Iterator[str]:
    """Yield a sentence where some of the training images that are looked at are dark.

    Args:
        splits: of encoded images; those that cannot be read are left to who reads all.
        max_pixels: larger images are not looked at.
    """
    from kft.data import sample

    looked = sample.spread(splits.train, _LOOKED)
    dark = [
        str(name)
        for name, payload in zip(looked.ids, sample.readable(looked), strict=True)
        if _is_dark(payload, max_pixels)
    ]
    if dark:
        shown = errors.listed(dark, most=_SHOWN)
        yield (
            f"{len(dark)} of {len(looked)} training images that were looked at have 16 "
            f"bits and values of at most {FEW_BITS} ({shown}). {ADVICE}"
        )


def _is_dark(payload: bytes, max_pixels: int) -> bool:
    try:
        with pillow.opened(payload, formats=_FORMATS, max_pixels=max_pixels) as image:
            bits = used_bits(image)
    except Exception:  # noqa: BLE001, of many kinds; who reads all of them says why
        return False
    return bits is not None and bits <= FEW_BITS
