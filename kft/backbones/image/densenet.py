"""DenseNet (Huang et al., arXiv:1608.06993). No TensorFlow here.

A transition (`pool2_conv`, ...) belongs to the last block of the stage before it.
"""

from collections.abc import Sequence

from kft.backbones.image.image_backbone import (
    Backbone,
    Family,
    ImagenetFile,
    staged,
)

FAMILIES = (
    Family(
        name="DenseNet",
        scaling="torch",
        license="BSD-3-Clause",
        edge="begins",
        layers=((r"(conv[2-5]_block\d+)", r"\1_0_bn"),),
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications/densenet"


def _densenet(
    name: str, *, repeats: Sequence[int], parameters: int, digest: str
) -> Backbone:
    return Backbone(
        name=name,
        family="DenseNet",
        image_size=224,
        min_image_size=32,
        parameters=parameters,
        blocks=staged(
            {
                f"conv{stage}": [f"conv{stage}_block{i}" for i in range(1, count + 1)]
                for stage, count in enumerate(repeats, start=2)
            }
        ),
        imagenet=ImagenetFile(
            folder=_SERVER,
            name=f"{name.lower()}_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest=digest,
        ),
    )


# Blocks in each of the stages conv2 to conv5 (arXiv:1608.06993, table 1).
BACKBONES = (
    _densenet(
        "DenseNet121",
        repeats=(6, 12, 24, 16),
        parameters=7_037_504,
        digest="30ee3e1110167f948a6b9946edeeb738",
    ),
    _densenet(
        "DenseNet169",
        repeats=(6, 12, 32, 32),
        parameters=12_642_880,
        digest="b8c4d4c20dd625c148057b9ff1c1176b",
    ),
    _densenet(
        "DenseNet201",
        repeats=(6, 12, 48, 32),
        parameters=18_321_984,
        digest="c13680b51ded0fb44dff2d8f86ac8bb1",
    ),
)
