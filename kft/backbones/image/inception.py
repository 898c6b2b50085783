"""InceptionV3 (arXiv:1512.00567), InceptionResNetV2 (arXiv:1602.07261).

No TensorFlow here. Most of their layers have no name of their own; the blocks are known
by the layer that joins their branches. The stem ends with its second max pooling.
"""

from kft.backbones.image.image_backbone import Backbone, Family, ImagenetFile
from kft.config import stages

_STEM_END = r"max_pooling2d(_[0-9]+)?"

FAMILIES = (
    Family(
        name="InceptionV3",
        scaling="tf",
        license="Apache-2.0",
        edge="ends",
        layers=((r"(mixed\d+)", r"\1"),),
        stem_end=_STEM_END,
    ),
    Family(
        name="InceptionResNetV2",
        scaling="tf",
        license="Apache-2.0",
        edge="ends",
        layers=((r"(mixed_\d[ab])", r"\1"), (r"(block\d+_\d+)", r"\1_ac")),
        stem_end=_STEM_END,
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"


def _inception_resnet_blocks() -> stages.Blocks:
    block35 = [f"block35_{i}" for i in range(1, 11)]
    block17 = [f"block17_{i}" for i in range(1, 21)]
    block8 = [f"block8_{i}" for i in range(1, 11)]
    return stages.Blocks(
        names=("mixed_5b", *block35, "mixed_6a", *block17, "mixed_7a", *block8),
        groups=(
            ("block35", block35[0]),
            ("block17", block17[0]),
            ("block8", block8[0]),
        ),
    )


BACKBONES = (
    Backbone(
        name="InceptionV3",
        family="InceptionV3",
        image_size=299,
        min_image_size=75,
        parameters=21_802_784,
        blocks=stages.Blocks(tuple(f"mixed{i}" for i in range(11))),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/inception_v3",
            name="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest="bcbd6486424b2319ff4ef7d526e38f63",
        ),
    ),
    Backbone(
        name="InceptionResNetV2",
        family="InceptionResNetV2",
        image_size=299,
        min_image_size=75,
        parameters=54_336_736,
        blocks=_inception_resnet_blocks(),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/inception_resnet_v2",
            name="inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest="d19885ff4a710c122648d3b5c3b684e4",
        ),
    ),
)
