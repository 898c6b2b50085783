"""Cut a flat Functional graph in two: a trunk that stays frozen and a tail that trains.

The cut is the only mechanism for freezing. What the tail sees is the same whether the
trunk has just run or has run once and for all into a cache, so caching cannot change
a result. A cut is every tensor that is made below and used above: one in most networks,
two in NASNet, hidden states and mask in a text encoder. The inputs of the graph are
below every cut.
"""

import dataclasses
from typing import Any

import keras


@dataclasses.dataclass(frozen=True)
class Split:
    """The two halves of a graph; they share their variables with it.

    Attributes:
        trunk: maps the graph's inputs to the list of tensors of the cut.
        tail: maps that list to the graph's outputs.
    """

    trunk: keras.Model
    tail: keras.Model


def split_at(model: keras.Model, anchor: str) -> Split:
    """Return the halves of `model` below and above a layer's output.

    Args:
        model: a flat Functional model, each of whose layers is used once.
        anchor: name of the layer that ends the trunk. The trunk is this layer with all
            that it depends on.

    Raises:
        ValueError: where no layer has that name, or nothing is left above it.
    """
    below = _below(model, anchor)
    outside = [tensor for tensor in model.outputs if _producer(tensor) in below]
    if outside:
        raise ValueError(f"nothing of {model.name!r} is left above {anchor!r}")
    cut = _frontier(model, below)
    return Split(
        trunk=keras.Model(model.inputs, cut, name=f"{model.name}_trunk"),
        tail=keras.Model(cut, model.outputs, name=f"{model.name}_tail"),
    )


def cut_tensors(model: keras.Model, anchor: str) -> list[keras.KerasTensor]:
    """Return what is made by a layer or below it and used above, in graph order."""
    return _frontier(model, _below(model, anchor))


def ancestors(model: keras.Model, anchor: str) -> frozenset[str]:
    """Return the names of a layer and of all the layers that it depends on."""
    names: set[str] = set()
    waiting = [_operation(model, anchor)]
    while waiting:
        layer = waiting.pop()
        if layer.name not in names:
            names.add(layer.name)
            waiting.extend(_layer_of(tensor) for tensor in _inputs(layer))
    return frozenset(names)


def _below(model: keras.Model, anchor: str) -> frozenset[str]:
    return ancestors(model, anchor) | {_producer(tensor) for tensor in model.inputs}


def _operation(model: keras.Model, name: str) -> keras.Operation:
    # `inputs + x`, as ConvNeXt writes it, is an operation that is no layer.
    for operation in model.operations:
        if operation.name == name:
            return operation
    raise ValueError(f"{model.name!r} has no layer {name!r}")


def _frontier(model: keras.Model, below: frozenset[str]) -> list[keras.KerasTensor]:
    """Return the tensors made in `below` and used above, in the graph's own order."""
    cut: dict[int, keras.KerasTensor] = {}
    for operation in model.operations:
        if operation.name not in below:
            for tensor in _inputs(operation):
                if _producer(tensor) in below:
                    cut.setdefault(id(tensor), tensor)
    return list(cut.values())


def _inputs(operation: keras.Operation) -> list[keras.KerasTensor]:
    if isinstance(operation, keras.layers.InputLayer):
        return []
    tensors: list[keras.KerasTensor] = keras.tree.flatten(operation.input)
    return tensors


def _layer_of(tensor: keras.KerasTensor) -> keras.Operation:
    # Keras 3 keeps (operation, node index, tensor index) of the call that made a
    # symbolic tensor; no public function gives it.
    return tensor._keras_history.operation


def _producer(tensor: keras.KerasTensor) -> str:
    name: str = _layer_of(tensor).name
    return name


@keras.saving.register_keras_serializable(package="kft")
class FrozenTrunk(keras.Layer):
    """Run a trunk as at inference time, whatever mode the caller is in.

    Passing `training=False` to a nested model is not enough: a Functional model
    overwrites it with the mode of the outer call (Keras up to 3.15.1, keras issue
    20285), which would move BatchNorm statistics and drop features. This layer's own
    `call` has no such argument, so nothing can be overwritten.
    """

    def __init__(self, trunk: keras.Model, name: str = "frozen_trunk") -> None:
        super().__init__(name=name, trainable=False)
        self.trunk = trunk

    def call(self, inputs: Any) -> list[keras.KerasTensor]:
        """Return the tensors of the cut, always as a list.

        Args:
            inputs: of the network: a tensor, or tensors by the names of its inputs.
        """
        outputs = self.trunk(_in_order(self.trunk, inputs), training=False)
        return outputs if isinstance(outputs, list) else [outputs]


def _in_order(model: keras.Model, inputs: Any) -> list[Any]:
    """Return inputs in the order in which a graph lists its own."""
    if isinstance(inputs, dict):
        return [inputs[tensor.name] for tensor in model.inputs]
    return [inputs]


def tail_inputs(trunk: FrozenTrunk | None, inputs: Any) -> Any:
    """Return what a tail reads for a batch.

    Args:
        trunk: the frozen part below the tail; None where there is none, or where it has
            run already.
        inputs: a batch of the network's inputs (a tensor or a dict of tensors), or a
            tuple of stored cut tensors.
    """
    if trunk is not None:
        return trunk(inputs)
    return list(inputs) if isinstance(inputs, tuple) else inputs
