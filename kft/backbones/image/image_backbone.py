"""Facts about an image backbone that need no building of it. No TensorFlow here."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from kft.backbones.image.own_network import OwnNetwork
from kft.backbones.image.vit_folder import VitFolder
from kft.config import stages as config_stages

# A pattern of block names, and the layer that belongs to such a block: a template for
# `re.Match.expand` that gives the pattern of the layer's whole name.
LayerRule = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Family:
    """Networks that are built, scaled and cut alike.

    Attributes:
        name: key in `FAMILIES`.
        scaling: what happens to RGB 0-255 before the first layer, see
            `kft.backbones.image.scaling`; `own` where the network itself scales.
        license: of the ImageNet weights, as SPDX calls it: what the documentation of
            keras.applications (2.2.4) says, and the authors' repositories of those
            that came later.
        edge: whether `layers` names the first layer of a block (`begins`) or its last
            (`ends`). What is unnamed at that side is found through the graph.
        layers: rules from a block to that layer; the first that matches counts.
        stem_end: pattern of the last layer of the stem, where blocks are known by their
            ends. Of several such layers below the first block's end the last counts.
    """

    name: str
    scaling: Literal["caffe", "tf", "torch", "lite", "own"]
    license: str
    edge: Literal["begins", "ends"]
    layers: tuple[LayerRule, ...]
    stem_end: str | None = None

    def layer(self, block: str) -> str:
        """Return the pattern of the name of the layer that begins or ends `block`.

        Raises:
            ValueError: for a block that no rule covers.
        """
        for pattern, template in self.layers:
            match = re.fullmatch(pattern, block)
            if match:
                return match.expand(template)
        raise ValueError(f"family {self.name} has no rule for block {block!r}")


@dataclasses.dataclass(frozen=True)
class ImagenetFile:
    """A file of ImageNet weights as keras.applications 3.15.1 distributes it.

    Attributes:
        folder: address of the folder on the server.
        name: file name in the folder `models` of the Keras home.
        digest: MD5 or SHA-256 in hexadecimal; None where Keras publishes none.
        remote_name: file name on the server, where it differs.
    """

    folder: str
    name: str
    digest: str | None
    remote_name: str | None = None

    @property
    def address(self) -> str:
        """Return where the file is downloaded from."""
        return f"{self.folder}/{self.remote_name or self.name}"


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A pretrained network without its classifier.

    Attributes:
        name: what `--backbone` takes: the name in keras.applications, or a path.
        family: key in `FAMILIES`; `own` for a network of the user's, `vit` for one of
            a folder.
        image_size: side of the square it was trained on, in pixels.
        min_image_size: smallest side that it can take, in pixels.
        parameters: number of its parameters, without the classifier; 0 where that is
            not known before it is built.
        blocks: where it can be cut. The stem is below the first block; what comes after
            the last block belongs to it.
        imagenet: its ImageNet weights; None where a package brings them.
        own: what a network of the user's is made of; None for all others.
        vit: likewise of a vision transformer in a folder.
        size_step: sides of images are multiples of it, in pixels.
    """

    name: str
    family: str
    image_size: int
    min_image_size: int
    parameters: int
    blocks: config_stages.Blocks
    imagenet: ImagenetFile | None
    own: OwnNetwork | None = None
    vit: VitFolder | None = None
    size_step: int = 1


def staged(stages: Mapping[str, Iterable[str]]) -> config_stages.Blocks:
    """Return the blocks of a network that is made of stages.

    Args:
        stages: the name of each stage, which becomes the name of a group of blocks,
            with its blocks; all from the input upwards.
    """
    members = {stage: tuple(blocks) for stage, blocks in stages.items()}
    return config_stages.Blocks(
        names=tuple(name for blocks in members.values() for name in blocks),
        groups=tuple((stage, blocks[0]) for stage, blocks in members.items()),
    )
