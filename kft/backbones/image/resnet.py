"""ResNet (He et al., arXiv:1512.03385) and ResNetV2 (arXiv:1603.05027).

No TensorFlow here.
"""

from collections.abc import Sequence

from kft.backbones.image.image_backbone import (
    Backbone,
    Family,
    ImagenetFile,
    staged,
)
from kft.config import stages

FAMILIES = (
    Family(
        name="ResNet",
        scaling="caffe",
        license="MIT",
        edge="begins",
        layers=((r"(conv[2-5]_block\d+)", r"\1_1_conv"),),
    ),
    Family(
        name="ResNetV2",
        scaling="tf",
        license="BSD-3-Clause",
        edge="begins",
        layers=((r"(conv[2-5]_block\d+)", r"\1_preact_bn"),),
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"
# Blocks in each of the stages conv2 to conv5 (arXiv:1512.03385, table 1).
_REPEATS_50 = (3, 4, 6, 3)
_REPEATS_101 = (3, 4, 23, 3)
_REPEATS_152 = (3, 8, 36, 3)


def _resnet(
    name: str, family: str, *, repeats: Sequence[int], parameters: int, digest: str
) -> Backbone:
    return Backbone(
        name=name,
        family=family,
        image_size=224,
        min_image_size=32,
        parameters=parameters,
        blocks=_blocks(repeats),
        imagenet=ImagenetFile(
            folder=_SERVER,
            name=f"{name.lower()}_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest=digest,
        ),
    )


def _blocks(repeats: Sequence[int]) -> stages.Blocks:
    return staged(
        {
            f"conv{stage}": [f"conv{stage}_block{i}" for i in range(1, count + 1)]
            for stage, count in enumerate(repeats, start=2)
        }
    )


BACKBONES = (
    _resnet(
        "ResNet50",
        "ResNet",
        repeats=_REPEATS_50,
        parameters=23_587_712,
        digest="4d473c1dd8becc155b73f8504c6f6626",
    ),
    _resnet(
        "ResNet101",
        "ResNet",
        repeats=_REPEATS_101,
        parameters=42_658_176,
        digest="88cf7a10940856eca736dc7b7e228a21",
    ),
    _resnet(
        "ResNet152",
        "ResNet",
        repeats=_REPEATS_152,
        parameters=58_370_944,
        digest="ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
    _resnet(
        "ResNet50V2",
        "ResNetV2",
        repeats=_REPEATS_50,
        parameters=23_564_800,
        digest="fac2f116257151a9d068a22e544a4917",
    ),
    _resnet(
        "ResNet101V2",
        "ResNetV2",
        repeats=_REPEATS_101,
        parameters=42_626_560,
        digest="c0ed64b8031c3730f411d2eb4eea35b5",
    ),
    _resnet(
        "ResNet152V2",
        "ResNetV2",
        repeats=_REPEATS_152,
        parameters=58_331_648,
        digest="ed17cf2e0169df9d443503ef94b23b33",
    ),
)
