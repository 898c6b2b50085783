"""Files of weights for networks that kft has built; never more than numbers.

Nothing in the file decides what is built or run. Which variable gets which array
follows from the network: by the order of the layers in the legacy format (`.h5`, in
which keras.applications distributes its weights), by class and order in Keras 3's
(`.weights.h5`, and within `.keras`). All shapes are compared before the first array is
read.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import h5py
import keras
from absl import logging

from kft import errors
from kft.backbones import hdf5, isolated_read, stored_names


@dataclasses.dataclass(frozen=True)
class _Match:
    """A variable and the array that belongs to it."""

    layer: keras.layers.Layer
    variable: keras.Variable
    numbers: hdf5.Numbers


def load(network: keras.Model, path: pathlib.Path) -> None:
    """Set all weights of `network` from a file.

    The file may be of this network alone, or of one with more layers on top of it.

    Raises:
        errors.ConfigError: where the file is damaged, hostile, or of another network.
    """
    _load(path, network.name, lambda file: _matches(network, file))


def load_places(
    places: Sequence[tuple[keras.layers.Layer, keras.Variable, str]],
    path: pathlib.Path,
    *,
    network: str = "the network",
) -> None:
    """Set weights from a file that says where each is.

    Args:
        places: layer, weight of it, and where in the file its numbers are.
        path: of the file; it may have more.
        network: what it is called in errors.

    Raises:
        errors.ConfigError: where the file is damaged, hostile, or of another network.
    """
    _load(path, network, lambda file: (_match(*place, file) for place in places))


def _load(
    path: pathlib.Path,
    network: str,
    matches_in: Callable[[h5py.File], Iterable[_Match]],
) -> None:
    try:
        isolated_read.survive(path)
        with hdf5.opened(path) as file:
            matches = list(matches_in(file))
            for match in matches:
                match.variable.assign(match.numbers.read())
    except hdf5.Hdf5Error as error:
        raise errors.ConfigError(
            f"--weights: {path} does not load into {network}: {error}. Use a file "
            f"of the weights of {network}, or download it again."
        ) from error
    logging.info("%d weights of %s from %s", len(matches), network, path)


def _matches(network: keras.Model, file: h5py.File) -> Iterator[_Match]:
    root = file
    if not hdf5.names(root, "layer_names"):
        root = hdf5.member(file, "model_weights") or file
    layers = hdf5.names(root, "layer_names")
    if layers:
        yield from _legacy(network, root, layers)
    elif hdf5.member(file, "layers"):
        yield from _keras3(network, file, "layers")
    else:
        raise hdf5.Hdf5Error("it holds neither legacy nor Keras 3 weights")


def _legacy(
    network: keras.Model, root: h5py.Group, names: Sequence[str]
) -> Iterator[_Match]:
    """Pair the layers that have weights with those of the file, in their order."""
    stored = [(name, weights) for name in names if (weights := _weights(root, name))]
    layers = [layer for layer in network.layers if layer.weights]
    if len(stored) < len(layers):
        raise hdf5.Hdf5Error(
            f"the network has {len(layers)} layers with weights, the file {len(stored)}"
        )
    if len(stored) > len(layers):
        logging.info(
            "%d layers above the backbone are not read", len(stored) - len(layers)
        )
    for layer, (name, weights) in zip(layers, stored, strict=False):
        # The order of files from before Keras 3.
        variables = layer.trainable_weights + layer.non_trainable_weights
        if len(variables) != len(weights):
            raise hdf5.Hdf5Error(
                f"layer {layer.name} has {len(variables)} weights, in the file it "
                f"({name!r}) has {len(weights)}"
            )
        for variable, weight in zip(variables, weights, strict=True):
            yield _match(layer, variable, f"{name}/{weight}", root)


def _weights(root: h5py.Group, layer: str) -> list[str]:
    group = hdf5.member(root, layer)
    if not isinstance(group, h5py.Group):
        raise hdf5.Hdf5Error(f"its layer {layer!r} is missing")
    return hdf5.names(group, "weight_names")


def _keras3(network: keras.Model, root: h5py.Group, folder: str) -> Iterator[_Match]:
    """Pair each weight with `layers/conv2d_3/vars/0`, as saving_lib in Keras 3.15.1."""
    counts: dict[str, int] = {}
    for layer in network.layers:
        base = stored_names.group_name(type(layer).__name__)
        name = f"{base}_{counts[base]}" if base in counts else base
        counts[base] = counts.get(base, 0) + 1
        if isinstance(layer, keras.Model):
            yield from _keras3(layer, root, f"{folder}/{name}/layers")
            continue
        for index, variable in enumerate(layer.weights):
            yield _match(layer, variable, f"{folder}/{name}/vars/{index}", root)


def _match(
    layer: keras.layers.Layer, variable: keras.Variable, path: str, root: h5py.Group
) -> _Match:
    numbers = hdf5.numbers(root, path)
    if numbers is None:
        raise hdf5.Hdf5Error(f"{path!r} is missing, for layer {layer.name}")
    if numbers.shape != tuple(variable.shape):
        raise hdf5.Hdf5Error(
            f"{variable.name} of layer {layer.name} has the shape "
            f"{tuple(variable.shape)}, in the file ({path!r}) {numbers.shape}"
        )
    return _Match(layer, variable, numbers)
