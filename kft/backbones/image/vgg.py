"""VGG (Simonyan and Zisserman, arXiv:1409.1556). No TensorFlow here."""

from kft.backbones.image.image_backbone import Backbone, Family, ImagenetFile
from kft.config import stages

FAMILIES = (
    Family(
        name="VGG",
        scaling="caffe",
        license="CC-BY-4.0",
        edge="begins",
        layers=((r"(block[1-5])", r"\1_conv1"),),
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"


def _vgg(name: str, parameters: int, digest: str) -> Backbone:
    lower = name.lower()
    return Backbone(
        name=name,
        family="VGG",
        image_size=224,
        min_image_size=32,
        parameters=parameters,
        blocks=stages.Blocks(tuple(f"block{i}" for i in range(1, 6))),
        imagenet=ImagenetFile(
            folder=f"{_SERVER}/{lower}",
            name=f"{lower}_weights_tf_dim_ordering_tf_kernels_notop.h5",
            digest=digest,
        ),
    )


BACKBONES = (
    _vgg("VGG16", 14_714_688, "6d6bbae143d832006294945121d1f1fc"),
    _vgg("VGG19", 20_024_384, "253f8cb515780f3b799900260a226db6"),
)
