"""Image classifiers: one flat graph from raw pixels to logits."""

import keras

from kft import errors
from kft.backbones.image import build_family
from kft.backbones.image.image_backbone import Backbone
from kft.config import ImageModelConfig
from kft.model.network import Network

_POOLING = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}
_POOLING_NAME = "head_pooling"


def build(
    config: ImageModelConfig,
    backbone: Backbone,
    *,
    image_size: int,
    num_classes: int,
    weights: str,
) -> Network:
    """Return scaling -> backbone -> pooling -> dropout -> logits as one graph.

    The input is named `images`: [batch, image_size, image_size, 3], RGB, 0-255. The
    logits are float32 [batch, num_classes], whatever the precision of the layers.

    A network of the user's own may give a vector: then there is no pooling.

    Raises:
        errors.ConfigError: for weights that cannot be had or do not fit.
    """
    images = keras.Input((image_size, image_size, 3), name="images")
    features = build_family.build(backbone, images, weights)
    head_anchor, x = _pooled(features, config.pooling)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(images, logits, name="classifier")
    return Network(
        model=model,
        blocks=backbone.blocks,
        anchors=build_family.cut_anchors(backbone, model),
        head_anchor=head_anchor,
    )


def _pooled(features: keras.KerasTensor, pooling: str) -> tuple[str, keras.KerasTensor]:
    """Return the layer that gives a vector of features, and that vector.

    Raises:
        errors.ConfigError: where the features are a vector, and it is to be pooled.
    """
    if len(features.shape) == 4:
        return _POOLING_NAME, _POOLING[pooling](name=_POOLING_NAME)(features)
    if pooling != "avg":
        raise errors.ConfigError(
            f"--pooling={pooling}: the network gives a vector {list(features.shape)}, "
            "not a feature map to be pooled. Leave it out."
        )
    # See kft.model.split: Keras has no public way from a tensor to its maker.
    name: str = features._keras_history.operation.name
    return name, features
