"""Backbones as parts of a flat graph, and the places where they can be cut."""

import re
from collections.abc import Callable

import keras

from kft.backbones import weights, weights_flag
from kft.backbones.image import (
    efficientnet_lite,
    image_table,
    imagenet,
    own_layers,
    scaling,
    vit,
    vit_weights,
)
from kft.backbones.image.image_backbone import Backbone, Family
from kft.backbones.image.vit_folder import VitFolder

# Builders: backbone, scaled images [batch, height, width, 3] -> feature map.
_Builder = Callable[[Backbone, keras.KerasTensor], keras.KerasTensor]


def build(
    backbone: Backbone, images: keras.KerasTensor, weights_from: str
) -> keras.KerasTensor:
    """Return the features of a backbone: a map [batch, rows, columns, channels].

    A vision transformer gives a vector, [batch, features], and so may a network of the
    user's own.

    The layers are part of the graph of `images` itself: no model is nested in it, and
    every layer is used once. They are the same whatever `weights_from` is, so a network
    that was built with weights can be built again without, and restored.

    Args:
        backbone: what to build.
        images: output of `keras.Input`, [batch, size, size, 3], RGB, 0-255.
        weights_from: `imagenet`, `none`, or the path of a file.

    Raises:
        errors.ConfigError: for weights that cannot be had, or do not fit.
    """
    if backbone.own is not None:
        return own_layers.build(backbone.own, images, weights_from)
    features = _features(backbone, images)
    # A path is no name of a model.
    name = None if backbone.vit else backbone.name
    network = keras.Model(images, features, name=name)
    if weights_from == weights_flag.IMAGENET:
        _load_own(network, backbone)
    elif weights_from != weights_flag.NONE:
        weights_flag.check(weights_from)
        weights.load(network, weights_flag.to_path(weights_from))
    return features


def _features(backbone: Backbone, images: keras.KerasTensor) -> keras.KerasTensor:
    if backbone.vit is not None:
        return vit.build(backbone.vit.config, _vit_pixels(backbone.vit, images))
    return _BUILDERS.get(backbone.family, _keras_network)(backbone, images)


def _load_own(network: keras.Model, backbone: Backbone) -> None:
    """Set the weights that a backbone comes with."""
    if backbone.vit is not None:
        vit_weights.load(network, backbone.vit)
    elif backbone.imagenet is None:
        efficientnet_lite.load_imagenet(network)
    else:
        weights.load(network, imagenet.fetch(backbone))


def _vit_pixels(folder: VitFolder, images: keras.KerasTensor) -> keras.KerasTensor:
    if isinstance(folder.scaling, str):
        return scaling.Scaling(folder.scaling, name="scaling")(images)
    means, deviations = folder.scaling.mean, folder.scaling.deviation
    # Not Normalization, whose constants tf2onnx 1.17 takes for inputs.
    return keras.layers.Rescaling(
        scale=[1 / one for one in deviations],
        offset=[-m / d for m, d in zip(means, deviations, strict=True)],
        dtype="float32",
        name="scaling",
    )(images)


def _keras_network(backbone: Backbone, images: keras.KerasTensor) -> keras.KerasTensor:
    return _application(backbone, _scaled(backbone, images)).output


def _efficientnet(backbone: Backbone, images: keras.KerasTensor) -> keras.KerasTensor:
    """Return a network of keras.applications that scales by kft's `Normalization`."""
    draft = keras.Input(batch_shape=images.shape, dtype=images.dtype)
    network = keras.models.clone_model(
        keras.Model(draft, _application(backbone, draft).output),
        input_tensors=images,
        clone_function=_with_own_scaling,
    )
    return network.output


def _with_own_scaling(layer: keras.layers.Layer) -> keras.layers.Layer:
    config = layer.get_config()
    if isinstance(layer, keras.layers.Normalization):
        return scaling.Normalization.from_config({**config, "dtype": "float32"})
    if isinstance(layer, keras.layers.Rescaling):
        return keras.layers.Rescaling.from_config({**config, "dtype": "float32"})
    return layer.__class__.from_config(config)


def _lite(backbone: Backbone, images: keras.KerasTensor) -> keras.KerasTensor:
    return efficientnet_lite.features(_scaled(backbone, images))


_BUILDERS: dict[str, _Builder] = {
    "EfficientNet": _efficientnet,
    "EfficientNetLite": _lite,
}


def _scaled(backbone: Backbone, images: keras.KerasTensor) -> keras.KerasTensor:
    mode = image_table.FAMILIES[backbone.family].scaling
    if mode == "own":
        return images
    return scaling.Scaling(mode, name="scaling")(images)


def _application(backbone: Backbone, images: keras.KerasTensor) -> keras.Model:
    network = getattr(keras.applications, backbone.name)
    return network(include_top=False, weights=None, input_tensor=images)


def cut_anchors(backbone: Backbone, model: keras.Model) -> dict[str, str]:
    """Return for each block the layer whose output ends everything below the block.

    Args:
        backbone: what the graph was built from.
        model: a flat graph that contains the backbone, and more above it.

    Returns:
        Block -> name of a layer or operation, from the input upwards.

    Raises:
        ValueError: where the graph has no such layers.
    """
    if backbone.own is not None:
        return dict(backbone.own.anchors)
    if backbone.vit is not None:
        return vit.cut_anchors(backbone.vit.config)
    family = image_table.FAMILIES[backbone.family]
    blocks = backbone.blocks.names
    if family.edge == "begins":
        return {block: _below(model, family.layer(block)) for block in blocks}
    # A block is cut off where the one below it ends.
    ends = [_first(model, family.layer(block)).name for block in blocks[:-1]]
    return dict(zip(blocks, [_stem_end(family, model, ends[0]), *ends], strict=True))


def _below(model: keras.Model, pattern: str) -> str:
    """Return the name of what makes the input of the first layer of that name."""
    tensor = _first(model, pattern).input
    # See kft.model.split: Keras has no public way from a tensor to its maker.
    name: str = tensor._keras_history.operation.name
    return name


def _first(model: keras.Model, pattern: str) -> keras.layers.Layer:
    for layer in model.layers:
        if re.fullmatch(pattern, layer.name):
            return layer
    raise ValueError(f"{model.name} has no layer {pattern!r}")


def _stem_end(family: Family, model: keras.Model, first_end: str) -> str:
    """Return the last layer that may end the stem, of those before `first_end`."""
    names: list[str] = [layer.name for layer in model.layers]
    stem = names[: names.index(first_end)]
    ends = [name for name in stem if re.fullmatch(family.stem_end or "", name)]
    if not ends:
        raise ValueError(f"{model.name} has no layer {family.stem_end!r}")
    return ends[-1]
