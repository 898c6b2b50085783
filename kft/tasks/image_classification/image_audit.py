"""The checks of an audit of images. No TensorFlow: many processes inspect at once."""

import base64
import dataclasses
import posixpath
from collections.abc import Sequence
from typing import Any

import markupsafe
import numpy as np
from PIL import Image

from kft.auditing import near_duplicates
from kft.auditing.checks import AuditedExample, NearCopies, Observation
from kft.data.image import dark_16_bit, image_stats
from kft.data.image.image_stats import ImageStats

# A shorter side below it has little to show to any network, in pixels.
TINY_SIDE = 32
# Cropping the middle square leaves less than a fifth of these.
EXTREME_ASPECT = 5.0
_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
}
# What an export cannot decode, for TensorFlow has no op for it.
_NOT_SERVED = ("TIFF", "AVIF", "HEIF")


@dataclasses.dataclass(frozen=True)
class ImageChecks:
    """What an audit asks of images. See `kft.auditing.checks.Checks`.

    Attributes:
        max_pixels: larger images count as unreadable.
        near_bits: most bits in which the perceptual hashes of near copies differ; None
            to look for none.
    """

    max_pixels: int
    near_bits: int | None

    @property
    def noun(self) -> str:
        """Return images."""
        return "images"

    @property
    def count_key(self) -> str:
        """Return the key that audit.json has had from the beginning."""
        return "pictures"

    def start_process(self) -> None:
        """Leave the limit on the size of images to `max_pixels`."""
        Image.MAX_IMAGE_PIXELS = None

    def inspect(self, content: bytes) -> ImageStats:
        """Return what an image is like."""
        return image_stats.measure(content, self.max_pixels)

    def preview(self, content: bytes, name: str) -> str | None:
        """Return a small JPEG within an HTML element."""
        try:
            small = image_stats.thumbnail(content)
        # Pillow's decoders raise errors of many kinds for damaged files.
        except Exception:  # noqa: BLE001
            return None
        data = base64.b64encode(small).decode()
        alt = markupsafe.escape(name)
        return f'<img src="data:image/jpeg;base64,{data}" alt="{alt}">'

    def describe(self, facts: ImageStats) -> str:
        """Return format and size."""
        return f"{facts.kind}, {facts.width} x {facts.height}"

    def near_copies(self, examples: Sequence[AuditedExample]) -> NearCopies | None:
        """Return images whose perceptual hashes differ in few bits."""
        if self.near_bits is None:
            return None
        hashed = [e for e in examples if e.facts.hash is not None]
        hashes = np.array([e.facts.hash for e in hashed], dtype=np.uint64)
        return NearCopies(
            groups=[
                [hashed[position] for position in members]
                for members in near_duplicates.groups(hashes, self.near_bits)
            ],
            rule=f"Their perceptual hashes differ in at most {self.near_bits} of 64 "
            "bits.",
        )

    def observations(self, examples: Sequence[AuditedExample]) -> Sequence[Observation]:
        """Return wrong endings, and tiny, very long, flat, dark and rare images."""
        return [
            Observation(
                "format is not that of the name",
                _mislabelled(examples),
                "Files of another format than their name says",
                "They are read by their content; other programs may refuse them.",
                lambda example: f"is {example.facts.kind}",
            ),
            Observation(
                f"tiny (a side below {TINY_SIDE} pixels)",
                _tiny(examples),
                "Tiny images",
                f"A side is shorter than {TINY_SIDE} pixels.",
                _size,
            ),
            Observation(
                f"very long (over {EXTREME_ASPECT:g} to 1)",
                _extreme(examples),
                "Very long images",
                f"More than {EXTREME_ASPECT:g} times as long as wide: --resize=crop "
                "shows the network a small part of them.",
                _size,
            ),
            Observation(
                "of one color",
                _flat(examples),
                "Images of one color",
                "There is nothing to see.",
                _size,
            ),
            Observation(
                f"16-bit, values of at most {dark_16_bit.FEW_BITS} bits",
                _dark(examples),
                "Images of 16 bits that are nearly black",
                dark_16_bit.ADVICE,
                lambda example: f"values below {2**example.facts.bits:,}",
            ),
            Observation(
                "not read by an export",
                _not_served(examples),
                "Images that exports cannot decode",
                "Training reads them; a SavedModel answers valid = false. Convert to "
                "JPEG or PNG what it will be asked about.",
                lambda example: f"is {example.facts.kind}",
            ),
            *self._not_compared(examples),
        ]

    def _not_compared(
        self, examples: Sequence[AuditedExample]
    ) -> Sequence[Observation]:
        not_hashed = _not_hashed(examples)
        if self.near_bits is None or not not_hashed:
            return []
        return [Observation("too small or flat for near copies", not_hashed)]

    def remarks(self, examples: Sequence[AuditedExample]) -> Sequence[str]:
        """Return formats and sizes, and what near copies were not looked for among."""
        said = []
        sizes = _sizes(examples)
        if sizes is not None:
            formats = ", ".join(f"{k} {n:,}" for k, n in _formats(examples).items())
            width, height = sizes["width"], sizes["height"]
            said.append(
                f"{formats}. Width {width[0]} to {width[2]}, median {width[1]}; "
                f"height {height[0]} to {height[2]}, median {height[1]} pixels."
            )
        not_hashed = _not_hashed(examples)
        if self.near_bits is None:
            said.append("Near copies were not looked for (--near_bits=none).")
        elif not_hashed:
            said.append(
                f"{len(not_hashed):,} images are too small or flat for a perceptual "
                "hash: of these, only exact copies were looked for."
            )
        return said

    def to_json(self, examples: Sequence[AuditedExample]) -> dict[str, Any]:
        """Return formats, sizes, and every odd image by its name."""
        return {
            "formats": _formats(examples),
            "sizes": _sizes(examples),
            "mislabelled": [
                {**e.named(), "format": e.facts.kind} for e in _mislabelled(examples)
            ],
            "near_bits": self.near_bits,
            "not_hashed": len(_not_hashed(examples)),
            "tiny": _with_sizes(_tiny(examples)),
            "extreme": _with_sizes(_extreme(examples)),
            "flat": _with_sizes(_flat(examples)),
            "dark_16_bit": [
                {**e.named(), "bits": e.facts.bits} for e in _dark(examples)
            ],
            "not_served": [
                {**e.named(), "format": e.facts.kind} for e in _not_served(examples)
            ],
        }


def _mislabelled(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    """Return images of another format than the ending of their name says."""
    named = [(e, posixpath.splitext(e.id)[1].lower()) for e in examples]
    return [e for e, end in named if _FORMATS.get(end, e.facts.kind) != e.facts.kind]


def _tiny(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    return [e for e in examples if min(e.facts.width, e.facts.height) < TINY_SIDE]


def _extreme(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    def aspect(stats: ImageStats) -> float:
        return max(stats.width, stats.height) / min(stats.width, stats.height)

    return [e for e in examples if aspect(e.facts) > EXTREME_ASPECT]


def _flat(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    return [e for e in examples if e.facts.is_flat]


def _dark(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    few = dark_16_bit.FEW_BITS
    return [e for e in examples if e.facts.bits is not None and e.facts.bits <= few]


def _not_served(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    return [e for e in examples if e.facts.kind in _NOT_SERVED]


def _not_hashed(examples: Sequence[AuditedExample]) -> list[AuditedExample]:
    return [e for e in examples if e.facts.hash is None]


def _formats(examples: Sequence[AuditedExample]) -> dict[str, int]:
    """Return the number of images by format, the most frequent one first."""
    kinds = np.array([e.facts.kind for e in examples], dtype=str)
    names, counts = np.unique(kinds, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): int(counts[i]) for i in order}


def _sizes(examples: Sequence[AuditedExample]) -> dict[str, list[int]] | None:
    """Return smallest, median and largest of the sides, in pixels."""
    if not examples:
        return None
    sides = np.array([(e.facts.width, e.facts.height) for e in examples])
    shown = np.percentile(sides, [0, 50, 100], axis=0).astype(int)
    return {"width": shown[:, 0].tolist(), "height": shown[:, 1].tolist()}


def _size(example: AuditedExample) -> str:
    return f"{example.facts.width} x {example.facts.height}"


def _with_sizes(examples: Sequence[AuditedExample]) -> list[dict[str, Any]]:
    return [
        {**e.named(), "width": e.facts.width, "height": e.facts.height}
        for e in examples
    ]
