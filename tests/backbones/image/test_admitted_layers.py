"""What a description of a network may name."""

import subprocess
import sys
from typing import Any

import pytest

from kft.backbones.image import admitted_layers
from kft.backbones.image.admitted_layers import NetworkError


def _network(*layers: Any) -> dict[str, Any]:
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {"layers": list(layers)},
        "registered_name": "Functional",
    }


def _layer(kind: str, module: str = "keras.layers", **more: Any) -> dict[str, Any]:
    found = {"module": module, "class_name": kind, "config": {"name": "it"}}
    return {**found, "registered_name": None, **more}


@pytest.mark.parametrize(
    "layer",
    [
        _layer("Conv2D"),
        _layer("Add", "keras.src.ops.numpy", registered_name="Add"),
        _layer("HeNormal", "keras.initializers"),
        _layer("DTypePolicy", "keras"),
        _layer("function", "builtins", config="gelu", registered_name="gelu"),
        _layer("Scaling", "kft.backbones.image.scaling", registered_name="kft>Scaling"),
    ],
)
def test_what_computes_is_admitted(layer: Any) -> None:
    admitted_layers.check(_network(layer))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (_layer("Lambda"), "'it' is a Lambda and holds Python code"),
        (
            _layer("Conv2D", config={"activation": {"class_name": "__lambda__"}}),
            "Lambda",
        ),
        # They read files that the description names.
        (_layer("StringLookup"), "of the class 'StringLookup'"),
        (_layer("TFSMLayer"), "of the class 'TFSMLayer'"),
        (_layer("Mine", "my.module", registered_name="mine>Mine"), "of 'my.module'"),
        (_layer("Popen", "subprocess"), "of the class 'Popen' of 'subprocess'"),
        (_layer("Scaling", "kft.backbones.image.scaling"), "'Scaling'"),
        # A class that was registered would come before that of Keras.
        (_layer("Conv2D", registered_name="mine>Conv2D"), "'Conv2D'"),
        (_layer("function", "os", config="system"), "of 'os'"),
        (_layer("While", "keras.src.ops.core"), "'While'"),
        ({"class_name": ["Conv2D"]}, "a class has no name"),
    ],
)
def test_what_may_do_more_is_refused(layer: Any, message: str) -> None:
    hidden = _layer("Dense", config={"kernel": [{"deep": layer}]})
    with pytest.raises(NetworkError, match=message):
        admitted_layers.check(_network(hidden))


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"module": "mine", "class_name": "MyNet"}, "of the class 'MyNet', and kft"),
        ([], "no description of a network"),
        (_layer("Conv2D"), "of the class 'Conv2D', and kft takes functional"),
    ],
)
def test_what_is_no_functional_model_is_refused(description, message) -> None:
    with pytest.raises(NetworkError, match=message):
        admitted_layers.check(description)


def test_a_description_can_not_be_endlessly_deep() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(NetworkError, match="nested too deeply"):
        admitted_layers.check(_network(deep))


def test_optimizers_and_sizes_are_left_out() -> None:
    layer = _layer("Conv2D", build_config={"input_shape": [None, 3]})
    found = admitted_layers.without_training(
        {**_network(layer), "compile_config": {"optimizer": _layer("Evil", "mine")}}
    )
    assert found == _network(_layer("Conv2D"))
    admitted_layers.check(found)


def test_a_description_is_checked_without_tensorflow() -> None:
    code = (
        "import sys\n"
        "from kft.backbones.image import own_network\n"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_admitted_layer_is_one_of_keras() -> None:
    import keras

    missing = [
        name for name in admitted_layers._LAYERS if not hasattr(keras.layers, name)
    ]
    assert missing == []
