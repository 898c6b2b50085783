"""Xception (Chollet, arXiv:1610.02357). No TensorFlow here.

Keras' `block1` is the stem. The convolutions on the shortcuts have no names.
"""

from kft.backbones.image.image_backbone import Backbone, Family, ImagenetFile
from kft.config import stages

FAMILIES = (
    Family(
        name="Xception",
        scaling="tf",
        license="MIT",
        edge="begins",
        # All blocks but the second and the last begin with an activation.
        layers=((r"(block\d+)", r"\1_sepconv1(_act)?"),),
    ),
)

BACKBONES = (
    Backbone(
        name="Xception",
        family="Xception",
        image_size=299,
        min_image_size=71,
        parameters=20_861_480,
        blocks=stages.Blocks(tuple(f"block{i}" for i in range(2, 15))),
        imagenet=ImagenetFile(
            folder="https://storage.googleapis.com/tensorflow/keras-applications/xception",
            name="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest="b0042744bf5b25fce3cb969f33bebb97",
        ),
    ),
)
