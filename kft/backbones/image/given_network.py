"""A Keras model that a program has, as the backbone of a run."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from kft import errors
from kft.backbones import stored_names
from kft.backbones.image import admitted_layers, own_network


def keep(
    model: keras.Model, blocks: Mapping[str, str] | None
) -> tuple[str, tuple[str, ...]]:
    """Return `--backbone` and `--blocks` of a model, which this process keeps.

    The weights are those of now. Layers without a name of their own are numbered from
    the input upwards, for Keras numbers them on and on within a process; so the same
    code gives the same network.

    Args:
        model: functional, without a head.
        blocks: name of a block -> name of the layer whose output it reads; None for
            those that the network shows.

    Raises:
        errors.ConfigError: for what is no functional model.
    """
    model = _functional(model)
    description = _description(model)
    names = dict(_lasting_names(model))
    description = _renamed(description, names)
    weights = {
        names.get(layer.name, layer.name): layer.get_weights()
        for layer in _layers(model)
        if layer.weights
    }
    backbone = own_network.keep(description, weights)
    pairs = (blocks or {}).items()
    return backbone, tuple(f"{name}={names.get(at, at)}" for name, at in pairs)


def _functional(model: Any) -> keras.Model:
    if not isinstance(model, keras.Model):
        raise errors.ConfigError(
            "network=: expected a keras.Model without a head, received "
            f"{type(model).__name__}."
        )
    if isinstance(model, keras.Sequential):
        try:
            return keras.Model(model.inputs, model.outputs)
        except (AttributeError, ValueError) as error:
            raise errors.ConfigError(
                "network=: expected a Sequential that is built: begin it with "
                "keras.Input((size, size, 3))."
            ) from error
    return model


def _description(model: keras.Model) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            # Of Lambdas, which are refused for themselves.
            warnings.simplefilter("ignore", UserWarning)
            found = keras.saving.serialize_keras_object(model)
        found = json.loads(json.dumps(found))
    except (NotImplementedError, TypeError, ValueError, AttributeError) as error:
        raise errors.ConfigError(
            "network=: expected a functional model, keras.Model(inputs, outputs), of "
            f"layers of Keras, received a {type(model).__name__} that cannot say what "
            f"it is made of: {error!s:.300}"
        ) from error
    description: dict[str, Any] = admitted_layers.without_training(found)
    try:
        admitted_layers.check(description)
    except admitted_layers.NetworkError as error:
        raise errors.ConfigError(f"network=: {error}.") from error
    return description


def _operations(model: keras.Model) -> Iterator[keras.Operation]:
    """Yield layers and operations, those of networks within the network too."""
    is_functional = not isinstance(model, keras.Sequential)
    for operation in model.operations if is_functional else model.layers:
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        yield operation


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers, those of networks within the network in place of these."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _lasting_names(model: keras.Model) -> Iterator[tuple[str, str]]:
    counts: dict[str, int] = {}
    yield model.name, "network"
    operations = [*_operations(model)]
    own = {one.name for one in operations if not _is_numbered(one)}
    for operation in operations:
        if _is_numbered(operation):
            base = stored_names.group_name(type(operation).__name__)
            name = None
            while name is None or name in own:
                counts[base] = counts.get(base, 0) + 1
                name = f"{base}_{counts[base]}"
            yield operation.name, name


def _is_numbered(operation: keras.Operation) -> bool:
    base = stored_names.group_name(type(operation).__name__)
    return re.fullmatch(rf"{re.escape(base)}(_\d+)?", operation.name) is not None


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a description with other names of layers, wherever they stand."""
    if isinstance(value, dict):
        found = {key: _renamed(one, names) for key, one in value.items()}
        if isinstance(value.get("name"), str):
            found["name"] = names.get(value["name"], value["name"])
        return found
    if isinstance(value, list):
        renamed = [_renamed(one, names) for one in value]
        # [layer, node, index], as Keras says which tensor is read.
        if len(value) == 3 and isinstance(value[0], str) and value[0] in names:
            renamed[0] = names[value[0]]
        return renamed
    return value
