"""LiteRT (TensorFlow Lite): tensors in, scores out, labels in the file.

A file of a format imports nothing of kft when it is loaded: the standalone runner loads
it by its path, and calls `open_export`.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kft.exporters import FormatOptions, Quantize
    from kft.exporters.serving_model import ServingModel
    from kft.tasks.serving_texts import SnippetCode

LABELS = "labels.txt"
METADATA = "preprocessing.json"
_SIGNATURE = "serving_default"
_CALIBRATION_EXAMPLES = 200

_Tensors = np.ndarray | Mapping[str, np.ndarray]


def unfit(served: "ServingModel") -> str:
    """Return why the network cannot be in this format, an empty text where it can.

    A recurrent layer keeps its outputs in a list of tensors with as many rows as the
    batch. The converter (TensorFlow 2.21) has to know how many these are.
    """
    import keras

    loops = [
        layer.name
        for layer in served.run.model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.RNN) and not layer.unroll
    ]
    if not loops:
        return ""
    return (
        f"it has recurrent layers ({', '.join(loops)}), which LiteRT's own operations "
        "cannot run on batches of any size"
    )


def write(served: "ServingModel", path: Path, options: "FormatOptions") -> None:
    """Write a .tflite file whose signature `serving_default` takes tensors.

    They are those of the second endpoint. The batch is 1 until the application resizes
    the inputs. The only output is that of the scores. There are no operations but those
    of LiteRT itself. In a ZIP archive at the end of the file are labels.txt and
    preprocessing.json.

    Args:
        served: the network.
        path: of the file.
        options: `quantize` is none; float16 and dynamic (int8) for the large weights
            alone; int8 for the arithmetic as well, with ranges taken from training
            examples.

    Raises:
        errors.ConfigError: for a network that does not convert.
    """
    from tensorflow.lite.python import convert_phase

    from kft import errors
    from kft.exporters import litert_float16, litert_metadata

    quantize = options.quantize
    try:
        content = _converter(served, quantize).convert()
    except (RuntimeError, ValueError, convert_phase.ConverterError) as error:
        raise errors.ConfigError(
            "--formats=litert: this network does not convert with "
            f"--quantize={quantize}: {errors.excerpt(str(error))}"
        ) from error
    if quantize == "float16":
        content = litert_float16.halve(content)
    files = {
        LABELS: served.run.labels.text(),
        METADATA: json.dumps(served.metadata),
    }
    described = litert_metadata.add(
        content,
        served.tensors,
        what=served.run.task.serving.card().what,
        scores=served.scores,
        labels_file=LABELS,
    )
    path.write_bytes(litert_metadata.append(described, files))


def _converter(served: "ServingModel", quantize: "Quantize") -> Any:
    import tensorflow as tf

    endpoint = served.tensors
    specs, is_bytes = endpoint.specs, [s.dtype == tf.uint8 for s in endpoint.specs]
    if quantize == "int8":
        # An int8 converter takes float32 and makes the input uint8 itself, with the
        # step of 1 that `stretched` makes sure of.
        specs = [
            tf.TensorSpec(spec.shape, tf.float32, spec.name) if small else spec
            for spec, small in zip(specs, is_bytes, strict=True)
        ]
    function = tf.function(
        lambda *tensors: {served.scores: endpoint.function(*tensors)[served.scores]},
        input_signature=specs,
        autograph=False,
    )
    module = tf.Module()
    module.function = function
    module.tracked = [variable.value for variable in served.run.model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize in ("dynamic", "int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _calibration(served)
        if all(is_bytes):
            converter.inference_input_type = tf.uint8
    return converter


def _calibration(served: "ServingModel") -> Iterator[list[np.ndarray]]:
    """Yield the inputs that the ranges of int8 are taken from, batches of one."""
    examples = served.training_inputs(_CALIBRATION_EXAMPLES)

    def batch(tensors: Mapping[str, np.ndarray], *, stretch: bool) -> list[np.ndarray]:
        found = []
        for tensor in tensors.values():
            if tensor.dtype == np.uint8:
                tensor = tensor.astype(np.float32)
                tensor = stretched(tensor) if stretch else tensor
            found.append(tensor[None])
        return found

    yield batch(examples[0], stretch=True)
    for tensors in examples:
        yield batch(tensors, stretch=False)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return what was uint8 with its contrast spread over 0 to 255, float32.

    The step of the input's quantization is then exactly 1, so that raw bytes fit.
    """
    low, high = values.min(), values.max()
    if low == high:
        # Equal values have no contrast to spread.
        return np.linspace(0, 255, values.size, dtype=np.float32).reshape(values.shape)
    spread: np.ndarray = (values - low) * (255.0 / (high - low))
    clipped: np.ndarray = np.clip(spread, 0, 255, dtype=np.float32)
    return clipped


def open_export(path: str) -> Callable[[_Tensors], Mapping[str, np.ndarray]]:
    """Return what asks a LiteRT model, with tensors by name, or the only one."""
    from ai_edge_litert import interpreter as litert_interpreter

    interpreter = litert_interpreter.Interpreter(
        model_path=path, num_threads=os.cpu_count()
    )
    signature = interpreter.get_signature_runner(_SIGNATURE)
    inputs = signature.get_input_details()
    outputs = signature.get_output_details()
    shapes: dict[str, tuple[int, ...]] = {}

    def ask(tensors: _Tensors) -> Mapping[str, np.ndarray]:
        if not isinstance(tensors, Mapping):
            tensors = dict.fromkeys(inputs, tensors)
        asked = {name: tensors[name].shape for name in inputs}
        if shapes != asked:
            for name, shape in asked.items():
                interpreter.resize_tensor_input(inputs[name]["index"], shape)
            interpreter.allocate_tensors()
            shapes.update(asked)
        for name, details in inputs.items():
            interpreter.set_tensor(details["index"], tensors[name])
        interpreter.invoke()
        return {
            name: interpreter.get_tensor(details["index"])
            for name, details in outputs.items()
        }

    return ask


def read_metadata(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the class names and what `ServingModel.metadata` was.

    Raises:
        OSError, KeyError, ValueError, zipfile.BadZipFile: where they are not there.
    """
    with zipfile.ZipFile(path) as file:
        labels, metadata = file.read(LABELS).decode(), file.read(METADATA)
    return tuple(labels.removesuffix("\n").split("\n")), json.loads(metadata)


def snippet(path: str, code: "SnippetCode") -> list[str]:
    """Return five lines of Python that answer a file, in the folder of exports."""
    modules = ["ai_edge_litert.interpreter", "numpy", "pathlib", *code.modules]
    tensors = ", ".join(f"{name}={value}" for name, value in code.tensors.items())
    return [
        f"import {', '.join(modules)}",
        f'model = ai_edge_litert.interpreter.Interpreter("{path}")',
        f"{code.variable} = {code.value}",
        f'answer = model.get_signature_runner()({tensors})["{code.scores}"]',
        code.show_scores,
    ]
