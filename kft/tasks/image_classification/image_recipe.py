"""The part of `--recipe=auto` about images: their size, their augmentation.

Images below 96 x 96 pixels are enlarged to 128 (BiT-HyperRule of Kolesnikov et al.,
Big Transfer, arXiv 1912.11370, section 3.3; bit_hyperrule.py).
"""

import io
import statistics
from collections.abc import Collection, Iterable

from PIL import Image

from kft.backbones.image.image_backbone import Backbone
from kft.config import TrainConfig
from kft.tasks.task_kind import RecipeChoice

_SMALL_SIDE, _ENLARGED_SIDE = 96, 128  # pixels
_VIEWS = 4


def choose(
    config: TrainConfig,
    image_side: int | None,
    given: Collection[str],
    *,
    backbone: Backbone,
) -> RecipeChoice:
    """Return what suits images of a size.

    Args:
        config: of the run.
        image_side: the shorter one, in pixels; None where it is not known.
        given: fields whose value in `config` stands.
        backbone: of the network.
    """
    mode = config.augment if "augment" in given else augment(image_side)
    # An example and its mirror image are in nearly all of the views.
    has_views = mode == "flip" and config.feature_cache != "off"
    return RecipeChoice(
        "no image that can be read"
        if image_side is None
        else f"images of about {image_side} pixels",
        {
            "image_size": image_size(image_side, backbone),
            "augment": augment(image_side),
            "cached_views": _VIEWS if has_views else None,
        },
    )


def image_size(image_side: int | None, backbone: Backbone) -> int | None:
    """Return the side that the network sees, in pixels; None for the backbone's own.

    Small images are enlarged, but not to the full size, which would cost time and
    add nothing (BiT-HyperRule, `get_resolution`).
    """
    if image_side is None or image_side >= _SMALL_SIDE:
        return None
    size = max(min(_ENLARGED_SIDE, backbone.image_size), backbone.min_image_size)
    size -= size % backbone.size_step
    return None if size == backbone.image_size else size


def augment(image_side: int | None) -> str:
    """Return the augmentation: photographs are mirrored.

    Small images are often signs (digits, icons), which mean something else in a
    mirror; they stay as they are.
    """
    is_small = image_side is not None and image_side < _SMALL_SIDE
    return "none" if is_small else "flip"


def median_side(payloads: Iterable[bytes]) -> int | None:
    """Return the median of the shorter sides of encoded images, in pixels.

    Training names the images that cannot be read, or skips them; here they do not
    count. None where there is no other.
    """
    sides = [side for side in map(shorter_side, payloads) if side is not None]
    return int(statistics.median(sides)) if sides else None


def shorter_side(payload: bytes) -> int | None:
    """Return the shorter side of an encoded image, in pixels; None if broken."""
    try:
        with Image.open(io.BytesIO(payload)) as image:
            return min(image.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
