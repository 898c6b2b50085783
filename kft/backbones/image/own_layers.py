"""The layers of a network of the user's own, built into the graph of a run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from kft import errors
from kft.backbones import weights, weights_flag
from kft.backbones.image import admitted_layers, scaling
from kft.backbones.image.layer_graph import LayerNode, TensorOf
from kft.backbones.image.own_network import OwnNetwork

# Their arithmetic is float32 under every precision policy, as that of `scaling` is.
_SCALING = ("Rescaling", "Normalization", "Scaling", "FittedNormalization")
_RANKS = (2, 4)
# Layers of which Keras stores parts, and the attributes that hold these.
_PARTS: dict[str, tuple[str, ...]] = {
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense")
}


def build(
    network: OwnNetwork, images: keras.KerasTensor, weights_from: str
) -> keras.KerasTensor:
    """Return the features of a network: [batch, rows, columns, channels], or a vector.

    The layers are part of the graph of `images` itself, with their own names. The
    precision is that of the run, whatever the network was saved with.

    Args:
        network: what to build.
        images: output of `keras.Input`, [batch, size, size, 3], RGB, 0-255.
        weights_from: `imagenet` for the weights that it came with, `none`, or the path
            of a file.

    Raises:
        errors.ConfigError: for layers that cannot be built for this size of images, or
            weights that cannot be had or do not fit.
    """
    first = images
    if network.scaling is not None:
        first = scaling.Scaling(network.scaling, name="scaling")(images)
    made: dict[str, list[keras.KerasTensor]] = {network.graph.input: [first]}
    layers: dict[str, keras.layers.Layer] = {}
    for node in network.graph.nodes:
        layer, made[node.name] = _call(network, node, made)
        if isinstance(layer, keras.layers.Layer):
            layers[node.name] = layer
    _mention_regularizers(network)
    (features,) = made[network.graph.output.name]
    _check_features(network, features)
    if weights_from != weights_flag.NONE:
        _load(network, layers, weights_from)
    return features


def _call(
    network: OwnNetwork, node: LayerNode, made: Mapping[str, list[keras.KerasTensor]]
) -> tuple[Any, list[keras.KerasTensor]]:
    """Return the layer of a node, and its outputs for what is made by now."""
    shapes = [tuple(made[name][0].shape) for name in node.inputs]
    try:
        layer = _layer(node)
        args, kwargs = (_with_tensors(part, made) for part in node.arguments)
        return layer, keras.tree.flatten(layer(*args, **kwargs))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise errors.ConfigError(
            f"{network.flag}: its layer {node.name!r} ({node.kind}) cannot be built "
            f"for inputs of the shape {', '.join(map(str, shapes))}: {error!s:.500}"
        ) from error


def _mention_regularizers(network: OwnNetwork) -> None:
    """Warn where layers add to the loss, which is that of the task alone."""
    regular = [
        node.name
        for node in network.graph.nodes
        for key, value in node.description["config"].items()
        if key.endswith("_regularizer") and value is not None
    ]
    if regular:
        logging.warning(
            "The regularizers of %d layers of the network, first %s, do not count: "
            "--weight_decay is what kft has in their place.",
            *(len(set(regular)), regular[0]),
        )


def _layer(node: LayerNode) -> Any:
    """Return a new layer, or operation, of that name and in the run's precision."""
    config = {**node.description["config"]}
    if not admitted_layers.is_operation(node.description):
        config.pop("dtype", None)
        if node.kind in _SCALING:
            config["dtype"] = "float32"
    keras_normalization = ("keras.layers", "Normalization")
    if (node.description["module"], node.kind) == keras_normalization:
        layer: Any = scaling.FittedNormalization.from_config(config)
    else:
        layer = keras.saving.deserialize_keras_object(
            {**node.description, "config": config}, safe_mode=True
        )
    # An operation may not keep the name that it had.
    layer.name = node.name
    return layer


def _with_tensors(value: Any, made: Mapping[str, list[keras.KerasTensor]]) -> Any:
    """Return arguments of a call with tensors in the places of `TensorOf`."""
    if isinstance(value, TensorOf):
        return made[value.layer][value.index]
    if isinstance(value, list):
        return [_with_tensors(one, made) for one in value]
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value, safe_mode=True)
    if isinstance(value, dict):
        return {key: _with_tensors(one, made) for key, one in value.items()}
    return value


def _check_features(network: OwnNetwork, features: keras.KerasTensor) -> None:
    shape = tuple(features.shape)
    if len(shape) not in _RANKS or None in shape[1:]:
        raise errors.ConfigError(
            f"{network.flag}: expected a feature map [batch, rows, columns, channels] "
            "or a vector [batch, features] for the head to read; its layer "
            f"{network.graph.output.name!r} gives {list(shape)}. --backbone_output "
            "names another one."
        )


def _load(
    network: OwnNetwork, layers: Mapping[str, keras.layers.Layer], weights_from: str
) -> None:
    """Give the layers the weights that the network came with, or those of a file."""
    source = network.source
    if weights_from != weights_flag.IMAGENET:
        weights_flag.check(weights_from)
        path = weights_flag.to_path(weights_from)
    elif source.weights is not None:
        _assign(network, layers, source.weights)
        return
    else:
        path = source.weights_file()
    stored = {node.name: node.stored for node in network.graph.nodes}
    places = [
        (layer, variable, place)
        for name, layer in layers.items()
        for variable, place in _places(layer, stored[name])
    ]
    weights.load_places(places, path)


def _places(
    layer: keras.layers.Layer, folder: str
) -> Iterator[tuple[keras.Variable, str]]:
    """Yield each weight of a layer with where a file has it."""
    parts = _PARTS.get(type(layer).__name__, ())
    if not parts:
        for index, variable in enumerate(layer.weights):
            yield variable, f"{folder}/vars/{index}"
    for part in parts:
        yield from _places(getattr(layer, part), f"{folder}/{part}")


def _assign(
    network: OwnNetwork,
    layers: Mapping[str, keras.layers.Layer],
    given: Mapping[str, Sequence[np.ndarray]],
) -> None:
    for name, layer in layers.items():
        try:
            layer.set_weights(given.get(name, ()))
        except ValueError as error:
            raise errors.ConfigError(
                f"{network.flag}: its layer {name!r} has other weights for images of "
                f"this size: {error}"
            ) from error
