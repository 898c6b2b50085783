"""What is wrong with a data set, out of what its images are like."""

import dataclasses
import posixpath
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kft.auditing import image_stats, label_names, near_duplicates
from kft.data.examples import Splits

# A shorter side below it has little to show to any network, in pixels.
TINY_SIDE = 32
# Cropping the middle square leaves less than a fifth of these.
EXTREME_ASPECT = 5.0
_KINDS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".webp": "WEBP",
}


@dataclasses.dataclass(frozen=True)
class AuditedImage:
    """An example of the data set.

    Attributes:
        id: of the example.
        split: that it is in.
        label: name of its class.
        place: its position among all examples, split after split.
        look: what the image is like.
    """

    id: str
    split: str
    label: str
    place: int
    look: image_stats.Look


@dataclasses.dataclass(frozen=True)
class Group:
    """Images that are copies of each other, two or more."""

    members: tuple[AuditedImage, ...]

    @property
    def across_splits(self) -> bool:
        """Whether what is trained on is validated or tested on, too."""
        return len({image.split for image in self.members}) > 1

    @property
    def across_labels(self) -> bool:
        """Whether one of the labels is wrong."""
        return len({image.label for image in self.members}) > 1

    @property
    def is_leak(self) -> bool:
        """Whether measured accuracies are wrong because of it."""
        return self.across_splits or self.across_labels


@dataclasses.dataclass(frozen=True)
class Findings:
    """What an audit found.

    Attributes:
        dataset: the `--dataset`.
        counts: number of images by label and split.
        images: all of them.
        exact: copies byte by byte.
        near: copies by their perceptual hash, of different bytes; None where nobody
            looked for any.
        not_used: number of files in the folder that are no examples, by their ending.
    """

    dataset: str
    counts: Mapping[str, Mapping[str, int]]
    images: Sequence[AuditedImage]
    exact: Sequence[Group]
    near: Sequence[Group] | None
    not_used: Mapping[str, int]

    @property
    def unreadable(self) -> list[AuditedImage]:
        """Images that training would stop at."""
        return self._that(lambda p: p.look.reason is not None)

    @property
    def mislabelled(self) -> list[AuditedImage]:
        """Images of another format than the ending of their name says."""
        return self._readable(lambda p: _named_kind(p.id) not in (None, p.look.kind))

    @property
    def tiny(self) -> list[AuditedImage]:
        """Images with a side below `TINY_SIDE`."""
        return self._readable(lambda p: min(p.look.width, p.look.height) < TINY_SIDE)

    @property
    def extreme(self) -> list[AuditedImage]:
        """Images that are more than `EXTREME_ASPECT` times as long as wide."""
        return self._readable(lambda p: _aspect(p.look) > EXTREME_ASPECT)

    @property
    def flat(self) -> list[AuditedImage]:
        """Images of one color."""
        return self._readable(lambda p: p.look.is_flat)

    @property
    def not_hashed(self) -> list[AuditedImage]:
        """Images that are too small or flat for a perceptual hash."""
        return self._readable(lambda p: p.look.hash is None)

    @property
    def leaks(self) -> list[Group]:
        """Copies across splits or labels."""
        return [group for group in (*self.exact, *(self.near or ())) if group.is_leak]

    @property
    def imbalance(self) -> float:
        """How many times as large the largest class of training is as the smallest."""
        numbers = [by_split.get("train", 0) for by_split in self.counts.values()]
        return max(numbers) / max(min(numbers), 1)

    @property
    def similar_labels(self) -> list[tuple[str, str]]:
        """Pairs of classes that may be one class."""
        return label_names.similar(list(self.counts))

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that makes a training fail or its figures wrong."""
        return not self.unreadable and not self.leaks

    def _that(self, is_one: Callable[[AuditedImage], bool]) -> list[AuditedImage]:
        return [image for image in self.images if is_one(image)]

    def _readable(self, is_one: Callable[[AuditedImage], bool]) -> list[AuditedImage]:
        return self._that(lambda p: p.look.reason is None and is_one(p))


def find(
    splits: Splits,
    looks: Sequence[image_stats.Look],
    *,
    near_bits: int | None,
    not_used: Mapping[str, int],
) -> Findings:
    """Return what is wrong with a data set.

    Args:
        splits: the data set.
        looks: what its images are like, split after split.
        near_bits: most bits in which the hashes of near duplicates differ; None to look
            for none.
        not_used: number of files that are no examples, by ending.
    """
    images = _images(splits, looks)
    return Findings(
        dataset=splits.source,
        counts=_counts(splits),
        images=images,
        exact=_exact(images),
        near=None if near_bits is None else _near(images, near_bits),
        not_used=not_used,
    )


def _images(splits: Splits, looks: Sequence[image_stats.Look]) -> list[AuditedImage]:
    names = splits.labels.names
    listed = [
        (str(name), split, names[label])
        for split, part in splits.parts().items()
        for name, label in zip(part.ids, part.labels, strict=True)
    ]
    return [
        AuditedImage(*known, place, looks[place]) for place, known in enumerate(listed)
    ]


def _counts(splits: Splits) -> dict[str, dict[str, int]]:
    by_split = {
        split: np.bincount(part.labels, minlength=len(splits.labels)).tolist()
        for split, part in splits.parts().items()
    }
    return {
        name: {split: numbers[index] for split, numbers in by_split.items()}
        for index, name in enumerate(splits.labels.names)
    }


def _exact(images: Sequence[AuditedImage]) -> list[Group]:
    readable = [image for image in images if image.look.digest]
    digests = np.array([image.look.digest.hex() for image in readable], dtype=str)
    return [_group(readable, members) for members in near_duplicates.same(digests)]


def _near(images: Sequence[AuditedImage], near_bits: int) -> list[Group]:
    hashed = [image for image in images if image.look.hash is not None]
    hashes = np.array([image.look.hash for image in hashed], dtype=np.uint64)
    found = [
        _group(hashed, members) for members in near_duplicates.groups(hashes, near_bits)
    ]
    # Groups of nothing but the same bytes are exact ones.
    return [g for g in found if len({p.look.digest for p in g.members}) > 1]


def _group(images: Sequence[AuditedImage], members: np.ndarray) -> Group:
    return Group(tuple(images[place] for place in members))


def _named_kind(name: str) -> str | None:
    return _KINDS.get(posixpath.splitext(name)[1].lower())


def _aspect(seen: image_stats.Look) -> float:
    return max(seen.width, seen.height) / max(min(seen.width, seen.height), 1)
