"""A .keras file: a Keras model from tensors to scores, which opens without kft.

A file of a format imports nothing of kft when it is loaded: the standalone runner loads
it by its path, and calls `open_export`.
"""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

    from kft.exporters import FormatOptions
    from kft.exporters.serving_model import ServingModel
    from kft.tasks.serving_texts import SnippetCode

# Members of the archive besides those of Keras, which reads its own by their names.
_LABELS = "labels.txt"
_METADATA = "preprocessing.json"
# Packages whose layers open wherever Keras is.
_KERAS = "keras"
_SHOWN = 3

_Tensors = np.ndarray | Mapping[str, np.ndarray]


def unfit(served: "ServingModel") -> str:
    """Return why the network cannot be in this format, an empty text where it can."""
    if served.run.task.serving.activation is None:
        return "its answer takes more than a Keras layer"
    foreign = [
        f"{layer.name} ({type(layer).__name__})"
        for layer in served.run.model.layers
        if not (_is_of_keras(layer) or hasattr(layer, "in_keras"))
    ]
    if not foreign:
        return ""
    more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
    return f"these layers of it are kft's own: {', '.join(foreign[:_SHOWN])}{more}"


def write(served: "ServingModel", path: Path, options: "FormatOptions") -> None:
    """Write a .keras file that takes the tensors of the second endpoint.

    The model is the graph of the run, of layers of Keras alone, with one more on top
    that makes the scores. All of it can be trained. labels.txt and preprocessing.json
    are members of the archive.
    """
    del options  # the format knows none of them
    _in_keras(served).save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_LABELS, served.run.labels.text())
        archive.writestr(_METADATA, json.dumps(served.metadata))


def _in_keras(served: "ServingModel") -> "keras.Model":
    """Return a copy of the network of layers of Keras alone, with its scores."""
    import keras

    model = served.run.model
    clone = keras.models.clone_model(model, clone_function=_layer_in_keras)
    for layer in model.layers:
        if _is_of_keras(layer):
            clone.get_layer(layer.name).set_weights(layer.get_weights())
    scores = clone.output
    if served.temperature != 1:
        scale = 1 / served.temperature
        scores = keras.layers.Rescaling(scale, name="temperature")(scores)
    scores = keras.layers.Activation(
        served.run.task.serving.activation, dtype="float32", name=served.scores
    )(scores)
    return keras.Model(clone.inputs, scores, name=model.name)


def _layer_in_keras(layer: Any) -> Any:
    """Return a layer of Keras like this one, with fresh weights; operations stay."""
    import keras

    if not isinstance(layer, keras.Layer):
        return layer
    if _is_of_keras(layer):
        return type(layer).from_config(layer.get_config())
    return layer.in_keras()


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] == _KERAS


def open_export(path: str) -> Callable[[_Tensors], Mapping[str, np.ndarray]]:
    """Return what asks a .keras file, with tensors by name, or the only one.

    Raises:
        ValueError: for a file that is no such model.
    """
    import keras

    try:
        # What would run code is refused: `safe_mode` is the default.
        model = keras.saving.load_model(path, compile=False)
    except (TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(str(error)) from error
    names = [tensor.name for tensor in model.inputs]
    (output,) = model.output_names

    def ask(tensors: _Tensors) -> Mapping[str, np.ndarray]:
        if not isinstance(tensors, Mapping):
            tensors = dict.fromkeys(names, tensors)
        inputs = [np.asarray(tensors[name]) for name in names]
        return {output: model.predict_on_batch(inputs)}

    return ask


def read_metadata(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the class names and what `ServingModel.metadata` was.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: where they are not there.
    """
    with zipfile.ZipFile(path) as archive:
        labels = archive.read(_LABELS).decode()
        metadata = json.loads(archive.read(_METADATA))
    return tuple(labels.removesuffix("\n").split("\n")), metadata


def snippet(path: str, code: "SnippetCode") -> list[str]:
    """Return five lines of Python that answer a file, in the folder of exports."""
    modules = ["keras", "numpy", "pathlib", *code.modules]
    tensors = ", ".join(code.tensors.values())
    return [
        f"import {', '.join(modules)}",
        f'model = keras.saving.load_model("{path}")',
        f"{code.variable} = {code.value}",
        f"answer = model.predict_on_batch({tensors})",
        code.show_scores,
    ]
