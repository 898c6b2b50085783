"""The variables that a stage trains, and the proof that nothing else moved."""

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Literal

import keras

from kft import errors
from kft.model import lora, split
from kft.model import network as networks


class FreezingError(errors.KftError):
    """Something that had to stay frozen has moved; the result cannot be trusted."""


@dataclasses.dataclass(frozen=True)
class StageParts:
    """The network as one stage uses it.

    Attributes:
        trunk: the frozen part; None where everything trains.
        tail: the part above it, from the list of cut tensors (or, without a trunk,
            from the inputs) to the logits.
        trainable: what the optimizer updates.
        distances: for each of `trainable`, how many blocks it is from the head.
        statistics: the moving averages of BatchNorm layers that train.
        movable: names (`stable_paths`) of all that may change: `trainable`, statistics
            of training BatchNorm layers, and seed states of Dropout layers of the tail.
    """

    trunk: split.FrozenTrunk | None
    tail: keras.Model
    trainable: tuple[keras.Variable, ...]
    distances: tuple[int, ...]
    statistics: tuple[keras.Variable, ...]
    movable: frozenset[str]


def prepare_stage(
    network: networks.Network, depth: int, *, batch_norm: Literal["frozen", "train"]
) -> StageParts:
    """Freeze and unfreeze the layers of `network` for a stage and return its parts.

    `trainable` is set on every leaf layer, both ways: on a parent it is overridden by
    the children, or does nothing at all (keras `AutoTrackable` skips the assignment of
    an identical value). It thaws matrices that have factors, too (`kft.model.lora`), so
    these are frozen after it.

    Args:
        network: its layers' `trainable` is changed in place.
        depth: number of trained blocks, see `kft.config.stages`.
        batch_norm: whether BatchNorm layers above the cut learn.
    """
    anchor = network.anchor(depth)
    below = _below(network, depth)
    statistics: list[keras.Variable] = []
    for leaf, trains in _trained_leaves(network, depth, batch_norm):
        leaf.trainable = trains
        if trains and isinstance(leaf, keras.layers.BatchNormalization):
            statistics += leaf.non_trainable_variables
    for matrix in lora.matrices(network.model):
        matrix.trainable = False
    trunk, tail = None, network.model
    if anchor:
        halves = split.split_at(network.model, anchor)
        trunk, tail = split.FrozenTrunk(halves.trunk), halves.tail
    trainable = tuple(network.model.trainable_variables)
    by_layer = network.distances()
    layer_of = {
        id(v): layer.name for layer in network.model.layers for v in layer.variables
    }
    return StageParts(
        trunk=trunk,
        tail=tail,
        trainable=trainable,
        distances=tuple(by_layer[layer_of[id(v)]] for v in trainable),
        statistics=tuple(statistics),
        movable=_movable(network.model, below, trainable),
    )


def count_trainable(
    network: networks.Network, depth: int, *, batch_norm: Literal["frozen", "train"]
) -> int:
    """Return how many parameters a stage would train; changes nothing."""
    fixed = {id(matrix) for matrix in lora.matrices(network.model)}
    return sum(
        math.prod(weight.shape)
        for leaf, trains in _trained_leaves(network, depth, batch_norm)
        for weight in leaf.weights
        if trains and id(weight) not in fixed and not _is_statistic(leaf, weight)
    )


def _is_statistic(leaf: keras.Layer, weight: keras.Variable) -> bool:
    if isinstance(leaf, keras.layers.BatchNormalization):
        return weight is leaf.moving_mean or weight is leaf.moving_variance
    return isinstance(leaf, keras.layers.Normalization)


def _below(network: networks.Network, depth: int) -> frozenset[str]:
    anchor = network.anchor(depth)
    return split.ancestors(network.model, anchor) if anchor else frozenset()


def _trained_leaves(
    network: networks.Network, depth: int, batch_norm: str
) -> Iterator[tuple[keras.Layer, bool]]:
    """Yield every leaf layer with whether a stage trains it."""
    below = _below(network, depth)
    for layer in network.model.layers:
        for leaf in _leaves(layer):
            is_norm = isinstance(leaf, keras.layers.BatchNormalization)
            frozen_norm = is_norm and batch_norm == "frozen"
            yield leaf, layer.name not in below and not frozen_norm


def _movable(
    model: keras.Model, below: frozenset[str], trainable: tuple[keras.Variable, ...]
) -> frozenset[str]:
    allowed = {id(v) for v in trainable}
    for layer in model.layers:
        if layer.name in below:
            continue
        for leaf in _leaves(layer):
            if isinstance(leaf, keras.layers.BatchNormalization) and leaf.trainable:
                allowed.update(id(v) for v in leaf.non_trainable_variables)
        trained = {id(w) for w in layer.weights}
        # What a layer has beyond its weights is the state of its seed generators.
        allowed.update(id(v) for v in layer.variables if id(v) not in trained)
    paths = networks.stable_paths(model)
    return frozenset(path for path, v in paths.items() if id(v) in allowed)


def _leaves(layer: keras.Layer) -> Iterator[keras.Layer]:
    if isinstance(layer, keras.Model):
        for child in layer.layers:
            yield from _leaves(child)
    else:
        yield layer


def digests(model: keras.Model) -> dict[str, str]:
    """Return a digest of the bytes of every variable, by its stable path."""
    return {
        path: hashlib.blake2b(variable.numpy().tobytes(), digest_size=16).hexdigest()
        for path, variable in networks.stable_paths(model).items()
    }


def prove_frozen(
    before: Mapping[str, str], after: Mapping[str, str], movable: frozenset[str]
) -> tuple[str, ...]:
    """Check that a stage moved only what it may; return what it could but did not.

    Args:
        before: `digests` at the start of the stage.
        after: `digests` at its end.
        movable: see `StageParts`.

    Raises:
        FreezingError: naming every frozen variable that is not bit-identical.
    """
    moved = {path for path, digest in after.items() if before.get(path) != digest}
    wrong = sorted(moved - movable)
    if wrong:
        shown = ", ".join(wrong[:10]) + (", ..." if len(wrong) > 10 else "")
        raise FreezingError(
            f"{len(wrong)} frozen variables are not bit-identical after the stage: "
            f"{shown}. The weights of this run cannot be trusted. This is a bug in "
            "kft, or a callback that writes to the model."
        )
    return tuple(sorted(movable - moved))
