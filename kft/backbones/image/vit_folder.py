"""Folders with a vision transformer as Hugging Face lays it out. No TensorFlow here."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kft import errors
from kft.backbones.image import vit_config
from kft.backbones.image.vit_config import CONFIG, VitConfig
from kft.config import ImageModelConfig, user_paths
from kft.data import hub_json

PREPROCESSOR = "preprocessor_config.json"
# What a run keeps of it, so that it can be built where the folder is not.
KEPT = (CONFIG, PREPROCESSOR)
_CHANNELS = 3
_MEAN, _DEVIATION = "image_mean", "image_std"
# What the image processors of transformers 5.24 multiply pixels by.
_RESCALE_FACTOR = 1 / 255


@dataclasses.dataclass(frozen=True)
class PixelScale:
    """What happens to RGB 0-255 before the first layer: (pixel - mean) / deviation.

    Attributes:
        mean: of each channel, 0-255.
        deviation: likewise, above 0.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class VitFolder:
    """A vision transformer that a folder has.

    Attributes:
        flag: what names it, for messages.
        path: of the folder, which need not be there where a run has kept what it is.
        config: sizes.
        scaling: how its weights expect pixels, or the `--scaling` that says so.
        image_size: side of the square that its preprocessor makes, in pixels.
    """

    flag: str
    path: Path
    config: VitConfig
    scaling: PixelScale | str
    image_size: int


def find(config: ImageModelConfig, kept: Path | None = None) -> VitFolder | None:
    """Return the network of a folder; None where there is no folder.

    Args:
        config: of the network.
        kept: folder in which a run keeps the files `KEPT`, which count then; None where
            there is no run yet.

    Raises:
        errors.ConfigError: where it is none that can be built.
    """
    path = user_paths.expand(config.backbone)
    # Not of pathlib, which raises where a name is too long.
    if not (config.has_folder and (kept is not None or os.path.isdir(path))):
        return None
    flag, folder = f"--backbone={config.backbone}", kept or path
    sizes = vit_config.parse(hub_json.read(folder / CONFIG, flag), flag)
    preprocessor = {}
    if (folder / PREPROCESSOR).is_file():
        preprocessor = hub_json.read(folder / PREPROCESSOR, flag)
    elif config.scaling is None:
        raise errors.ConfigError(
            f"{flag}: expected a file {PREPROCESSOR} in the folder, which says what "
            "pixels are scaled to; there is none. --scaling says it in its place: tf "
            "(-1 to 1, as most ViT expect) or torch (mean 0, deviation 1 of ImageNet, "
            "as DeiT and DINOv2 expect)."
        )
    return VitFolder(
        flag=flag,
        path=path,
        config=sizes,
        scaling=config.scaling or _pixel_scale(preprocessor, flag),
        image_size=_image_size(preprocessor, sizes),
    )


def kept_files(config: ImageModelConfig) -> dict[str, bytes]:
    """Return what a run keeps of the folder, by the names of the files."""
    folder = user_paths.expand(config.backbone)
    paths = {name: folder / name for name in KEPT}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _pixel_scale(values: Mapping[str, Any], flag: str) -> PixelScale:
    """Return what a preprocessor_config.json says of pixels."""
    factor = values.get("rescale_factor", _RESCALE_FACTOR)
    if not _is_positive(factor):
        raise errors.ConfigError(
            f"{flag}: expected a positive number as rescale_factor in {PREPROCESSOR}, "
            f"received {factor!r}."
        )
    if not values.get("do_rescale", True):
        factor = 1.0
    mean, deviation = (0.0,) * _CHANNELS, (1.0,) * _CHANNELS
    if values.get("do_normalize", True):
        mean = _channels(values, _MEAN, flag)
        deviation = _channels(values, _DEVIATION, flag)
    return PixelScale(
        tuple(one / factor for one in mean), tuple(one / factor for one in deviation)
    )


def _channels(values: Mapping[str, Any], key: str, flag: str) -> tuple[float, ...]:
    found = values.get(key)
    numbers = found if isinstance(found, list) else []
    is_mean = key == _MEAN
    are_legal = all(_is_positive(n) or (is_mean and n == 0) for n in numbers)
    if len(numbers) != _CHANNELS or not are_legal:
        kind = "numbers of at least 0" if is_mean else "positive numbers"
        raise errors.ConfigError(
            f"{flag}: expected three {kind} as {key} in {PREPROCESSOR}, received "
            f"{found!r}."
        )
    return tuple(map(float, numbers))


def _is_positive(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < float("inf")


def _image_size(values: Mapping[str, Any], config: VitConfig) -> int:
    """Return the side of the square that a preprocessor makes, in pixels.

    That of the learned positions where it makes no square of whole patches.
    """
    is_cropped = values.get("do_center_crop", False)
    size = values.get("crop_size" if is_cropped else "size")
    if isinstance(size, dict) and size.get("height") == size.get("width"):
        size = size.get("height")
    if not isinstance(size, int) or size <= 0 or size % config.patch_size:
        return config.image_size
    return size
