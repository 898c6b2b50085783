"""EfficientNet (arXiv:1905.11946), its Lite form, and V2 (arXiv:2104.00298).

No TensorFlow here.
"""

import math
from collections.abc import Sequence

from kft.backbones.image.image_backbone import (
    Backbone,
    Family,
    ImagenetFile,
    LayerRule,
    staged,
)
from kft.config import stages

# The blocks of the first stage do not expand.
_EXPANDED: LayerRule = (r"(block\d[a-z])", r"\1_expand_conv")

FAMILIES = (
    Family(
        name="EfficientNet",
        scaling="own",
        license="Apache-2.0",
        edge="begins",
        layers=((r"(block1[a-z])", r"\1_dwconv"), _EXPANDED),
    ),
    Family(
        name="EfficientNetV2",
        scaling="own",
        license="Apache-2.0",
        edge="begins",
        layers=((r"(block1[a-z])", r"\1_project_conv"), _EXPANDED),
    ),
    Family(
        name="EfficientNetLite",
        scaling="lite",
        license="Apache-2.0",
        edge="begins",
        layers=((r"(block1[a-z])", r"\1_dwconv"), _EXPANDED),
    ),
)

_SERVER = "https://storage.googleapis.com"
# Blocks in each stage (arXiv:1905.11946, table 1; arXiv:2104.00298, table 4).
_REPEATS_V1 = (1, 2, 2, 3, 3, 4, 1)
_REPEATS_V2_B = (1, 2, 2, 3, 5, 8)
_REPEATS_V2 = {
    "S": (2, 4, 4, 6, 9, 15),
    "M": (3, 5, 5, 7, 14, 18, 5),
    "L": (4, 7, 7, 10, 19, 25, 7),
}


def _blocks(repeats: Sequence[int], depth: float = 1.0) -> stages.Blocks:
    """Return `block1a`, ... where `depth` multiplies the repeats, rounded up."""
    return staged(
        {
            f"block{stage}": [
                f"block{stage}{chr(ord('a') + i)}"
                for i in range(math.ceil(depth * count))
            ]
            for stage, count in enumerate(repeats, start=1)
        }
    )


def _v1(
    size: str, *, image_size: int, depth: float, parameters: int, digest: str
) -> Backbone:
    return Backbone(
        name=f"EfficientNet{size}",
        family="EfficientNet",
        image_size=image_size,
        min_image_size=32,
        parameters=parameters,
        blocks=_blocks(_REPEATS_V1, depth),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/keras-applications",
            name=f"efficientnet{size.lower()}_notop.h5",
            digest=digest,
        ),
    )


def _v2(
    size: str,
    *,
    image_size: int,
    blocks: stages.Blocks,
    parameters: int,
    digest: str,
) -> Backbone:
    return Backbone(
        name=f"EfficientNetV2{size}",
        family="EfficientNetV2",
        image_size=image_size,
        min_image_size=32,
        parameters=parameters,
        blocks=blocks,
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/tensorflow/keras-applications/efficientnet_v2",
            name=f"efficientnetv2-{size.lower()}_notop.h5",
            digest=digest,
        ),
    )


_LITE0 = Backbone(
    name="EfficientNetLite0",
    family="EfficientNetLite",
    image_size=224,
    min_image_size=32,
    parameters=3_413_024,
    blocks=_blocks(_REPEATS_V1),
    imagenet=None,
)

BACKBONES = (
    _LITE0,
    _v1(
        "B0",
        image_size=224,
        depth=1.0,
        parameters=4_049_571,
        digest="50bc09e76180e00e4465e1a485ddc09d",
    ),
    _v1(
        "B1",
        image_size=240,
        depth=1.1,
        parameters=6_575_239,
        digest="74c4e6b3e1f6a1eea24c589628592432",
    ),
    _v1(
        "B2",
        image_size=260,
        depth=1.2,
        parameters=7_768_569,
        digest="111f8e2ac8aa800a7a99e3239f7bfb39",
    ),
    _v1(
        "B3",
        image_size=300,
        depth=1.4,
        parameters=10_783_535,
        digest="af6d107764bb5b1abb91932881670226",
    ),
    _v1(
        "B4",
        image_size=380,
        depth=1.8,
        parameters=17_673_823,
        digest="ebc24e6d6c33eaebbd558eafbeedf1ba",
    ),
    _v1(
        "B5",
        image_size=456,
        depth=2.2,
        parameters=28_513_527,
        digest="38879255a25d3c92d5e44e04ae6cec6f",
    ),
    _v1(
        "B6",
        image_size=528,
        depth=2.6,
        parameters=40_960_143,
        digest="9ecce42647a20130c1f39a5d4cb75743",
    ),
    _v1(
        "B7",
        image_size=600,
        depth=3.1,
        parameters=64_097_687,
        digest="cbcfe4450ddf6f3ad90b1b398090fe4a",
    ),
    _v2(
        "B0",
        image_size=224,
        blocks=_blocks(_REPEATS_V2_B),
        parameters=5_919_312,
        digest="893217f2bb855e2983157299931e43ff",
    ),
    _v2(
        "B1",
        image_size=240,
        blocks=_blocks(_REPEATS_V2_B, 1.1),
        parameters=6_931_124,
        digest="0e80663031ca32d657f9caa404b6ec37",
    ),
    _v2(
        "B2",
        image_size=260,
        blocks=_blocks(_REPEATS_V2_B, 1.2),
        parameters=8_769_374,
        digest="1dfe2e7a5d45b6632553a8961ea609eb",
    ),
    _v2(
        "B3",
        image_size=300,
        blocks=_blocks(_REPEATS_V2_B, 1.4),
        parameters=12_930_622,
        digest="f6abf7b5849ac99a89b50dd3fd532856",
    ),
    _v2(
        "S",
        image_size=384,
        blocks=_blocks(_REPEATS_V2["S"]),
        parameters=20_331_360,
        digest="af0682fb74e8c54910f2d4393339c070",
    ),
    _v2(
        "M",
        image_size=480,
        blocks=_blocks(_REPEATS_V2["M"]),
        parameters=53_150_388,
        digest="1b8dc055df72dde80d614482840fe342",
    ),
    _v2(
        "L",
        image_size=480,
        blocks=_blocks(_REPEATS_V2["L"]),
        parameters=117_746_848,
        digest="b0b66b5c863aef5b46e8608fe1711615",
    ),
)
