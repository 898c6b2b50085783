"""MobileNet (arXiv:1704.04861), V2 (arXiv:1801.04381), V3 (arXiv:1905.02244).

No TensorFlow here. Keras calls the layers of a block `conv_dw_3`, `block_3_expand` or
`expanded_conv_3_expand`; kft calls the block `block_3` in all of them. Keras counts the
blocks of MobileNet from 1, those of V2 and V3 from 0.
"""

from kft.backbones.image.image_backbone import Backbone, Family, ImagenetFile
from kft.config import stages

FAMILIES = (
    Family(
        name="MobileNet",
        scaling="tf",
        license="Apache-2.0",
        edge="begins",
        # Blocks that halve the map begin with padding.
        layers=((r"block_(\d+)", r"conv_(pad|dw)_\1"),),
    ),
    Family(
        name="MobileNetV2",
        scaling="tf",
        license="Apache-2.0",
        edge="begins",
        layers=(
            (r"block_0", r"expanded_conv_depthwise"),
            (r"block_(\d+)", r"block_\1_expand"),
        ),
    ),
    Family(
        name="MobileNetV3",
        scaling="own",
        license="Apache-2.0",
        edge="begins",
        layers=(
            (r"block_0", r"expanded_conv_depthwise(_pad)?"),
            (r"block_(\d+)", r"expanded_conv_\1_expand"),
        ),
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"


def _mobilenet(
    name: str,
    family: str,
    *,
    parameters: int,
    block_ids: range,
    imagenet: ImagenetFile,
) -> Backbone:
    return Backbone(
        name=name,
        family=family,
        image_size=224,
        min_image_size=32,
        parameters=parameters,
        blocks=stages.Blocks(tuple(f"block_{i}" for i in block_ids)),
        imagenet=imagenet,
    )


BACKBONES = (
    _mobilenet(
        "MobileNet",
        "MobileNet",
        parameters=3_228_864,
        block_ids=range(1, 14),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/mobilenet",
            name="mobilenet_1_0_224_tf_no_top.h5",
            digest=None,
        ),
    ),
    _mobilenet(
        "MobileNetV2",
        "MobileNetV2",
        parameters=2_257_984,
        block_ids=range(17),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/mobilenet_v2",
            name="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            digest=None,
        ),
    ),
    _mobilenet(
        "MobileNetV3Small",
        "MobileNetV3",
        parameters=939_120,
        block_ids=range(11),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/mobilenet_v3",
            name="weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            digest="d3e8ec802a04aa4fc771ee12a9a9b836",
        ),
    ),
    _mobilenet(
        "MobileNetV3Large",
        "MobileNetV3",
        parameters=2_996_352,
        block_ids=range(15),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/mobilenet_v3",
            name="weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            digest="07fb09a5933dd0c8eaafa16978110389",
        ),
    ),
)
