"""The flat graph of a network that Keras has described as JSON. No TensorFlow here.

What is described may be anything; what becomes a graph is one input, one output, and
layers that are used once each. Networks within the network are taken apart, so that
it can be cut within them.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kft.backbones import stored_names
from kft.backbones.image import admitted_layers
from kft.backbones.image.admitted_layers import NetworkError

_FUNCTIONAL, _SEQUENTIAL = ("Functional", "Model"), "Sequential"
# Where branches come together.
_JOINS = ("Add", "Concatenate")
_DAMAGE = (KeyError, IndexError, TypeError, ValueError, RecursionError, AttributeError)


@dataclasses.dataclass(frozen=True)
class TensorOf:
    """An output of a layer, in the arguments of another one."""

    layer: str
    index: int


@dataclasses.dataclass(frozen=True, eq=False)
class LayerNode:
    """A layer, or an operation of keras.ops, and its one call.

    Attributes:
        name: of the layer; no other one has it.
        kind: name of its class.
        description: of it, as Keras takes it.
        arguments: of the call: a list, and a dict of those with names. Tensors are
            `TensorOf`.
        inputs: names of the layers that it reads.
        stored: where a `.keras` file has its weights.
    """

    name: str
    kind: str
    description: Mapping[str, Any]
    arguments: tuple[Any, Any]
    inputs: tuple[str, ...]
    stored: str

    @property
    def activation(self) -> str | None:
        """Return the name of its activation function; None where it has none."""
        value = self.description["config"].get("activation")
        return value.get("config") if isinstance(value, dict) else value


@dataclasses.dataclass(frozen=True, eq=False)
class LayerGraph:
    """Layers from the input upwards; all of them are between input and output.

    Attributes:
        input: name of the input.
        input_shape: of a batch, such as (None, 224, 224, 3).
        nodes: layers, each after those that it reads.
    """

    input: str
    input_shape: tuple[int | None, ...]
    nodes: tuple[LayerNode, ...]

    @property
    def names(self) -> list[str]:
        """Return the names of the layers, from the input upwards."""
        return [node.name for node in self.nodes]

    @property
    def output(self) -> LayerNode:
        """Return the layer whose output is that of the network."""
        return self.nodes[-1]

    def up_to(self, name: str) -> "LayerGraph":
        """Return the part below the output of a layer, and that layer.

        Raises:
            KeyError: where there is no such layer.
        """
        by_name = {node.name: node for node in self.nodes}
        found: set[str] = set()
        waiting = [by_name[name]]
        while waiting:
            node = waiting.pop()
            if node.name not in found:
                found.add(node.name)
                waiting += [by_name[one] for one in node.inputs if one in by_name]
        kept = tuple(node for node in self.nodes if node.name in found)
        return dataclasses.replace(self, nodes=kept)

    def around(self, name: str) -> tuple[str, str] | None:
        """Return a layer above one that reads a layer below it, and that other one.

        None where nothing does: then all that is above the layer hangs on its output.
        """
        places = {one: place for place, one in enumerate([self.input, *self.names])}
        for node in self.nodes:
            for read in node.inputs:
                if places[read] < places[name] < places[node.name]:
                    return node.name, read
        return None

    def cuts(self) -> list[str]:
        """Return the layers that nothing goes around, but for the last."""
        places = {one: place for place, one in enumerate([self.input, *self.names])}
        highest, found = 0, []
        readers: dict[str, int] = {}
        for node in self.nodes:
            for read in node.inputs:
                readers[read] = places[node.name]
        for name, place in places.items():
            if 0 < place < len(self.nodes) and highest <= place:
                found.append(name)
            highest = max(highest, readers.get(name, 0))
        return found

    def blocks(self) -> dict[str, str]:
        """Return where blocks begin that end in a join: name -> the layer below.

        A join is a layer that adds or concatenates, and that nothing goes around. The
        block of a join begins above the last cut before it.
        """
        cuts, found = set(self.cuts()), []
        below: str | None = None
        for node in self.nodes:
            is_join = node.kind in _JOINS and len(node.inputs) > 1
            ends = node.name in cuts or node is self.output
            if is_join and ends and below is not None:
                found.append(below)
            if node.name in cuts:
                below = node.name
        return {f"block_{n}": layer for n, layer in enumerate(found, start=1)}


def read(description: Mapping[str, Any]) -> LayerGraph:
    """Return the graph of a network.

    Args:
        description: what `keras.saving.serialize_keras_object` gives for it, or a
            `.keras` file has as its config.json.

    Raises:
        NetworkError: where it is none that a head can be put on.
    """
    admitted_layers.check(description)
    try:
        return _read(description)
    except NetworkError:
        raise
    except _DAMAGE as error:
        raise NetworkError(
            "its description is damaged, or of another version of Keras "
            f"({error!r:.200})"
        ) from error


def _read(description: Mapping[str, Any]) -> LayerGraph:
    config = description["config"]
    if description["class_name"] == _SEQUENTIAL:
        first_layer = next(iter(config["layers"]), None)
        if first_layer is None or first_layer["class_name"] != "InputLayer":
            raise NetworkError(
                "it is a Sequential that was not built: it does not say what it reads. "
                "Begin it with keras.Input((size, size, 3))"
            )
        given = [first_layer["config"]["name"]]
    else:
        given = [tensor.layer for tensor in _tensors(config["input_layers"])]
        ends = list(_tensors(config["output_layers"]))
        _check_count("inputs", given, "images alone")
        _check_count("outputs", [end.layer for end in ends], "features alone")
        first_layer = next(one for one in config["layers"] if one["name"] == given[0])
    flat = _Flattener()
    (output,) = flat.network(description, [TensorOf(given[0], 0)], "layers")
    shape = tuple(first_layer["config"]["batch_shape"])
    graph = LayerGraph(given[0], shape, tuple(flat.nodes))
    if output.layer not in graph.names:
        raise NetworkError("it has no layers between its input and its output")
    _check_unique([graph.input, *graph.names])
    return graph.up_to(output.layer)


def _check_count(what: str, names: Sequence[str], expected: str) -> None:
    if len(names) != 1:
        raise NetworkError(
            f"expected {expected}, received {len(names)} {what}: {', '.join(names)}. "
            f"keras.Model(...) makes a network with one of them"
        )


def _check_unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NetworkError(
            f"two of its layers are called {twice[0]!r}, one of them in a network "
            "within it: give each layer a name of its own"
        )


def _tensors(value: Any) -> Iterator[TensorOf]:
    """Yield the tensors of `input_layers`: [name, node, index], or lists of these."""
    if isinstance(value, dict):
        value = list(value.values())
    if len(value) == 3 and isinstance(value[0], str):
        yield TensorOf(value[0], value[2])
    else:
        for one in value:
            yield from _tensors(one)


class _Flattener:
    """Collects layers, those of networks within the network among them."""

    def __init__(self) -> None:
        self.nodes: list[LayerNode] = []

    def network(
        self, description: Mapping[str, Any], given: Sequence[TensorOf], folder: str
    ) -> list[TensorOf]:
        """Take the layers of a network that reads `given`; return its outputs."""
        config, names = description["config"], _Stored(folder)
        if description["class_name"] == _SEQUENTIAL:
            return self._chain(config, list(given), names)
        starts = [tensor.layer for tensor in _tensors(config["input_layers"])]
        made = {start: [one] for start, one in zip(starts, given, strict=True)}
        for layer in config["layers"]:
            name, stored = layer["name"], names.of(layer)
            if name not in made:
                made[name] = self._called(layer, made, stored)
        return [
            _output(made, end.layer, end.index)
            for end in _tensors(config["output_layers"])
        ]

    def _chain(
        self, config: Mapping[str, Any], given: list[TensorOf], names: "_Stored"
    ) -> list[TensorOf]:
        for layer in config["layers"]:
            if layer["class_name"] != "InputLayer":
                given = self._layer(layer, ([given[0]], {}), given, names.of(layer))
        return given

    def _called(
        self,
        layer: Mapping[str, Any],
        made: Mapping[str, Sequence[TensorOf]],
        stored: str,
    ) -> list[TensorOf]:
        calls = layer["inbound_nodes"]
        if len(calls) != 1:
            raise NetworkError(
                f"its layer {layer['name']!r} is used {len(calls)} times, and a "
                "network can be cut only where each layer is used once: give each call "
                "a layer of its own"
            )
        given: list[TensorOf] = []
        arguments = tuple(_filled(calls[0][key], made, given) for key in _ARGUMENTS)
        return self._layer(layer, arguments, given, stored)

    def _layer(
        self,
        layer: Mapping[str, Any],
        arguments: tuple[Any, ...],
        given: Sequence[TensorOf],
        stored: str,
    ) -> list[TensorOf]:
        kind = layer["class_name"]
        if kind in (*_FUNCTIONAL, _SEQUENTIAL):
            return self.network(layer, given, f"{stored}/layers")
        name = layer["config"]["name"] if "name" not in layer else layer["name"]
        inputs = tuple(dict.fromkeys(tensor.layer for tensor in given))
        node = LayerNode(
            name, kind, layer, (arguments[0], arguments[1]), inputs, stored
        )
        self.nodes.append(node)
        return [TensorOf(name, 0)]


_ARGUMENTS = ("args", "kwargs")


def _output(made: Mapping[str, Sequence[TensorOf]], layer: str, index: int) -> TensorOf:
    """Return an output of a layer, or what it is where the layer is a network."""
    if layer not in made:
        raise NetworkError(f"{layer!r} is read before it is computed")
    outputs = made[layer]
    if len(outputs) == 1 and outputs[0].layer == layer:
        return TensorOf(layer, index)
    return outputs[index]


def _filled(
    value: Any, made: Mapping[str, Sequence[TensorOf]], found: list[TensorOf]
) -> Any:
    """Return arguments with `TensorOf` for each tensor, and add these to `found`."""
    if isinstance(value, list):
        return [_filled(one, made, found) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        layer, _, index = value["config"]["keras_history"]
        found.append(_output(made, layer, index))
        return found[-1]
    return {key: _filled(one, made, found) for key, one in value.items()}


class _Stored:
    """Names of layers in a `.keras` file, as keras.saving counts them (3.15.1)."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._counts: dict[str, int] = {}

    def of(self, layer: Mapping[str, Any]) -> str:
        """Return where the weights of the next layer are."""
        if admitted_layers.is_operation(layer):
            return ""
        base = stored_names.group_name(layer["class_name"])
        count = self._counts.get(base, 0)
        self._counts[base] = count + 1
        return f"{self._folder}/{base}_{count}" if count else f"{self._folder}/{base}"
