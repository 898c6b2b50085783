"""Image classifiers: one flat graph from raw pixels to logits."""

import keras

from kft.backbones.image import build_family, image_table
from kft.config import ImageModelConfig
from kft.model.network import Network

_POOLING = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}
_POOLING_NAME = "head_pooling"


def build(
    config: ImageModelConfig, *, image_size: int, num_classes: int, weights: str
) -> Network:
    """Return scaling -> backbone -> pooling -> dropout -> logits as one graph.

    The input is named `images`: [batch, image_size, image_size, 3], RGB, 0-255. The
    logits are float32 [batch, num_classes], whatever the precision of the layers.

    Raises:
        errors.ConfigError: for weights that cannot be had or do not fit.
    """
    backbone = image_table.get(config.backbone)
    images = keras.Input((image_size, image_size, 3), name="images")
    features = build_family.build(backbone, images, weights)
    x = _POOLING[config.pooling](name=_POOLING_NAME)(features)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(images, logits, name="classifier")
    return Network(
        model=model,
        blocks=backbone.blocks,
        anchors=build_family.cut_anchors(backbone, model),
        head_anchor=_POOLING_NAME,
    )
