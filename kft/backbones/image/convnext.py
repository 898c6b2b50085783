"""ConvNeXt (Liu et al., arXiv:2201.03545). No TensorFlow here.

Keras puts the name of the network before the name of every layer. The downsampling
between two stages is a nested Sequential; it belongs to the first block of the stage
that it begins. The last layer norm normalises each place of the feature map, as in
Keras without a classifier; in training on ImageNet it came after the average pooling.
"""

from kft.backbones.image.image_backbone import (
    Backbone,
    Family,
    ImagenetFile,
    staged,
)

FAMILIES = (
    Family(
        name="ConvNeXt",
        scaling="own",
        license="MIT",
        edge="begins",
        layers=(
            (r"stage_1_block_0", r".+_downsampling_block_0"),
            (r"stage_2_block_0", r".+_downsampling_block_1"),
            (r"stage_3_block_0", r".+_downsampling_block_2"),
            (r"(stage_\d_block_\d+)", r".+_\1_depthwise_conv"),
        ),
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications/convnext"


def _convnext(size: str, *, deep: int, parameters: int, digest: str) -> Backbone:
    """Return a ConvNeXt.

    Args:
        size: Tiny, Small, Base, Large or XLarge.
        deep: blocks in the third of the four stages; the others have 3.
        parameters: without the classifier.
        digest: SHA-256 of the weights file.
    """
    return Backbone(
        name=f"ConvNeXt{size}",
        family="ConvNeXt",
        image_size=224,
        min_image_size=32,
        parameters=parameters,
        blocks=staged(
            {
                f"stage_{stage}": [f"stage_{stage}_block_{i}" for i in range(count)]
                for stage, count in enumerate((3, 3, deep, 3))
            }
        ),
        imagenet=ImagenetFile(
            folder=_SERVER,
            name=f"convnext_{size.lower()}_notop.h5",
            digest=digest,
        ),
    )


BACKBONES = (
    _convnext(
        "Tiny",
        deep=9,
        parameters=27_820_128,
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    _convnext(
        "Small",
        deep=27,
        parameters=49_454_688,
        digest="6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    _convnext(
        "Base",
        deep=27,
        parameters=87_566_464,
        digest="40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    _convnext(
        "Large",
        deep=27,
        parameters=196_230_336,
        digest="96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    _convnext(
        "XLarge",
        deep=27,
        parameters=348_147_968,
        digest="de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)
