"""What the description of a network may name, so that it can be built from a file.

A description names classes, and who reads it makes objects of them. Some run code that
stands in the description (Lambda), or read files that it names (StringLookup,
TFSMLayer). So there is a list of what may be named: layers and operations that compute
with what they are given. No TensorFlow here.
"""

from collections.abc import Iterator, Mapping
from typing import Any


class NetworkError(ValueError):
    """A network that cannot be a backbone: what came, and what to do about it."""


_MODELS = {
    ("keras.src.models.functional", "Functional"),
    ("keras", "Model"),
    ("keras.models", "Model"),
    ("keras", "Sequential"),
    ("keras.models", "Sequential"),
}
# Of keras.layers 3.15.1.
_LAYERS = frozenset(
    """
    InputLayer Identity Masking
    Dense EinsumDense
    Activation ELU LeakyReLU PReLU ReLU Softmax
    Attention AdditiveAttention MultiHeadAttention
    Conv1D Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv2D
    Add Average Concatenate Dot Maximum Minimum Multiply Subtract
    BatchNormalization GroupNormalization LayerNormalization RMSNormalization
    UnitNormalization
    AveragePooling2D MaxPooling2D GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalMaxPooling1D GlobalMaxPooling2D AdaptiveAveragePooling2D AdaptiveMaxPooling2D
    Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D
    Cropping2D Flatten Permute Reshape UpSampling2D ZeroPadding1D ZeroPadding2D
    Rescaling Normalization Resizing CenterCrop
    """.split()
)
# Layers of kft in networks of images, so that one that kft has made can be used again.
_OWN = {
    ("kft.backbones.image.scaling", "Scaling"),
    ("kft.backbones.image.scaling", "Normalization"),
    ("kft.backbones.image.scaling", "FittedNormalization"),
    ("kft.backbones.gelu", "ExactGelu"),
}
_OPERATIONS = tuple(
    f"keras.src.ops.{name}" for name in ("numpy", "nn", "math", "image", "einops")
)
_CAST = ("keras.src.ops.core", "Cast")
# Their classes and functions make numbers out of numbers.
_VALUES = (
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.regularizers",
)
_POLICIES = ("DTypePolicy", "FloatDTypePolicy")
# How Keras writes values that are no objects.
_PLAIN = ("__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__")
_MOST_DEPTH = 200
# What Keras adds to a description, and what a backbone does not need: layers are built
# for the size of the images, and kft trains them.
_LEFT_OUT = ("build_config", "compile_config")


def without_training(description: Any) -> Any:
    """Return a description without optimizers, metrics and sizes of earlier inputs.

    Raises:
        RecursionError: where it is nested very deeply.
    """
    if isinstance(description, Mapping):
        left_out = _LEFT_OUT if "class_name" in description else ()
        return {
            key: without_training(value)
            for key, value in description.items()
            if key not in left_out
        }
    if isinstance(description, list | tuple):
        return [without_training(value) for value in description]
    return description


def is_operation(description: Mapping[str, Any]) -> bool:
    """Return whether what is described is an operation of keras.ops and no layer."""
    module = description.get("module")
    return module in _OPERATIONS or (module, description["class_name"]) == _CAST


def check(description: Any) -> None:
    """Check that a description names nothing but what may be named.

    Raises:
        NetworkError: naming the first layer that is not admitted.
    """
    if not isinstance(description, Mapping) or "class_name" not in description:
        raise NetworkError("it has no description of a network")
    if not _is_among(description, _MODELS):
        raise NetworkError(
            f"it is of the class {description['class_name']!r:.100}, and kft takes "
            "functional models: keras.Model(inputs, outputs) makes one of layers of "
            "Keras"
        )
    for named in _named(description, 0):
        if not _is_admitted(named):
            raise NetworkError(_refusal(named))


def _named(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield all that names a class, wherever it stands."""
    if depth > _MOST_DEPTH:
        raise NetworkError("its description is nested too deeply")
    if isinstance(value, Mapping):
        if "class_name" in value:
            if not isinstance(value["class_name"], str):
                raise NetworkError("its description is damaged: a class has no name")
            yield value
        for one in value.values():
            yield from _named(one, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _named(one, depth + 1)


def _is_admitted(named: Mapping[str, Any]) -> bool:
    name, module = named["class_name"], named.get("module")
    if module is None:
        return name in _PLAIN
    if name == "function":
        return isinstance(named.get("config"), str) and module in (*_VALUES, "builtins")
    if _is_among(named, _OWN):
        return named.get("registered_name") == f"kft>{name}"
    if named.get("registered_name") not in (None, name):
        return False  # A class of that name is taken before that of Keras.
    return (
        (module == "keras.layers" and name in _LAYERS)
        or (module == "keras" and name in _POLICIES)
        or module in _VALUES
        or _is_among(named, _MODELS)
        or is_operation(named)
    )


def _is_among(named: Mapping[str, Any], pairs: set[tuple[str, str]]) -> bool:
    return (str(named.get("module")), str(named["class_name"])) in pairs


def _refusal(named: Mapping[str, Any]) -> str:
    config, kind = named.get("config"), named["class_name"]
    name = config.get("name") if isinstance(config, Mapping) else None
    which = f"its layer {name!r:.100}" if isinstance(name, str) else "it has one that"
    if kind in ("Lambda", "__lambda__"):
        why = "holds Python code, which kft does not run; use a layer or an operation"
        return f"{which} is a Lambda and {why} of keras.ops in its place"
    return (
        f"{which} is of the class {kind!r:.100} of {named.get('module')!r:.100}, and "
        "only layers of Keras that compute can be kept in a run and built again: use "
        "layers and operations of keras.layers and keras.ops"
    )
