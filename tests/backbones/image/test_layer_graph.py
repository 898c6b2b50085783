"""The graph of a network, out of its description alone."""

from typing import Any

import pytest

from kft.backbones.image import layer_graph
from kft.backbones.image.admitted_layers import NetworkError


def _tensor(layer: str) -> dict[str, Any]:
    config = {"shape": [None], "dtype": "float32", "keras_history": [layer, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _layer(name: str, kind: str, *reads: str, module: str = "keras.layers") -> Any:
    read = [_tensor(one) for one in reads]
    call = {"args": read if len(read) == 1 else [read], "kwargs": {}}
    return {
        "module": module,
        "class_name": kind,
        "config": {"name": name},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [call],
    }


def _network(*layers: Any, outputs: Any = None, inputs: Any = None) -> dict[str, Any]:
    first = _layer("in", "InputLayer")
    first["inbound_nodes"] = []
    first["config"]["batch_shape"] = [None, 32, 32, 3]
    config = {
        "name": "net",
        "layers": [first, *layers],
        "input_layers": inputs or [["in", 0, 0]],
        "output_layers": outputs or [[layers[-1]["name"], 0, 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


RESIDUAL = (
    _layer("stem", "Conv2D", "in"),
    _layer("a1", "Conv2D", "stem"),
    _layer("a2", "Conv2D", "a1"),
    _layer("a_add", "Add", "stem", "a2"),
    _layer("a_relu", "ReLU", "a_add"),
    _layer("b1", "Conv2D", "a_relu"),
    _layer("b_add", "Add", "a_relu", "b1", module="keras.src.ops.numpy"),
    _layer("last", "Conv2D", "b_add"),
)


def test_a_block_begins_where_the_branches_of_its_join_part() -> None:
    graph = layer_graph.read(_network(*RESIDUAL))
    assert tuple(graph.input_shape) == (None, 32, 32, 3)
    assert graph.blocks() == {"block_1": "stem", "block_2": "a_relu"}


def test_a_cut_is_a_layer_that_nothing_goes_around() -> None:
    graph = layer_graph.read(_network(*RESIDUAL))
    assert graph.cuts() == ["stem", "a_add", "a_relu", "b_add"]
    assert graph.around("a1") == ("a_add", "stem")
    assert graph.around("a_relu") is None


def test_a_join_within_a_branch_makes_no_block() -> None:
    layers = (
        _layer("stem", "Conv2D", "in"),
        _layer("left", "Conv2D", "stem"),
        _layer("right", "Conv2D", "stem"),
        _layer("both", "Concatenate", "left", "right"),
        _layer("sum", "Add", "stem", "both"),
    )
    graph = layer_graph.read(_network(*layers))
    assert graph.blocks() == {"block_1": "stem"}


def test_a_chain_has_no_blocks() -> None:
    layers = (_layer("a", "Conv2D", "in"), _layer("b", "Conv2D", "a"))
    assert layer_graph.read(_network(*layers)).blocks() == {}


def test_what_is_above_an_output_is_left_out() -> None:
    graph = layer_graph.read(_network(*RESIDUAL)).up_to("a_add")
    assert graph.names == ["stem", "a1", "a2", "a_add"]
    assert graph.output.name == "a_add"


def test_networks_within_the_network_are_taken_apart() -> None:
    inner = {**_network(*RESIDUAL[:4]), "name": "inner"}
    inner["inbound_nodes"] = _layer("", "", "first")["inbound_nodes"]
    chain = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "chain", "layers": [_layer("c", "Conv2D")]},
        "registered_name": None,
        "name": "chain",
        "inbound_nodes": _layer("", "", "inner")["inbound_nodes"],
    }
    graph = layer_graph.read(_network(_layer("first", "Conv2D", "in"), inner, chain))
    assert graph.names == ["first", "stem", "a1", "a2", "a_add", "c"]
    assert [node.inputs for node in graph.nodes][1::4] == [("first",), ("a_add",)]
    assert [node.stored for node in graph.nodes] == [
        "layers/conv2d",
        "layers/functional/layers/conv2d",
        "layers/functional/layers/conv2d_1",
        "layers/functional/layers/conv2d_2",
        "layers/functional/layers/add",
        "layers/sequential/layers/conv2d",
    ]


def _twice() -> dict[str, Any]:
    shared = _layer("shared", "Conv2D", "in")
    shared["inbound_nodes"] *= 2
    return _network(shared)


def _renamed() -> dict[str, Any]:
    inner = {**_network(_layer("a", "Conv2D", "in")), "name": "inner"}
    inner["inbound_nodes"] = _layer("", "", "a")["inbound_nodes"]
    return _network(_layer("a", "Conv2D", "in"), inner)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (_twice(), "'shared' is used 2 times"),
        (_renamed(), "two of its layers are called 'a'"),
        (
            _network(RESIDUAL[0], inputs=[["in", 0, 0], ["other", 0, 0]]),
            "expected images alone, received 2 inputs: in, other",
        ),
        (
            _network(*RESIDUAL[:2], outputs=[["stem", 0, 0], ["a1", 0, 0]]),
            "expected features alone, received 2 outputs: stem, a1",
        ),
        (_network(_layer("a", "Conv2D", "b")), "'b' is read before it is computed"),
        (_network(outputs=[["in", 0, 0]]), "no layers between its input and"),
        (
            {
                "module": "keras",
                "class_name": "Sequential",
                "config": {"layers": [_layer("a", "Conv2D")]},
            },
            "a Sequential that was not built",
        ),
        (
            {**_network(*RESIDUAL), "config": {"layers": [{}]}},
            "its description is damaged",
        ),
    ],
)
def test_what_is_no_backbone_is_refused(description: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        layer_graph.read(description)
