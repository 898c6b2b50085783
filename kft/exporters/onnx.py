"""ONNX: tensors in, scores out, labels in the file.

A file of a format imports nothing of kft when it is loaded: the standalone runner loads
it by its path, and calls `open_export`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kft.exporters import FormatOptions
    from kft.exporters.serving_model import ServingModel
    from kft.tasks.serving_texts import SnippetCode

_LABELS = "labels"
_METADATA = "preprocessing"

_Tensors = np.ndarray | Mapping[str, np.ndarray]


def write(served: "ServingModel", path: Path, options: "FormatOptions") -> None:
    """Write an .onnx file that takes the tensors of the second endpoint.

    The only output is that of the scores. The metadata has, as JSON, the class names
    under `labels`, and `ServingModel.metadata` under `preprocessing`.

    Raises:
        errors.ConfigError: for a network that does not convert.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    from kft import errors

    endpoint = served.tensors
    function = tf.function(
        lambda *tensors: {served.scores: endpoint.function(*tensors)[served.scores]},
        autograph=False,
    )
    try:
        model, _ = tf2onnx.convert.from_function(
            function, endpoint.specs, opset=options.onnx_opset
        )
        # An operation that tf2onnx (1.17) does not know is left as it is.
        onnx.checker.check_model(model, full_check=True)
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
        raise errors.ConfigError(
            "--formats=onnx: this network does not convert with "
            f"--onnx_opset={options.onnx_opset}: {errors.excerpt(str(error))}"
        ) from error
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    names = json.dumps(served.run.labels.names, ensure_ascii=False)
    onnx.helper.set_model_props(
        model, {_LABELS: names, _METADATA: json.dumps(served.metadata)}
    )
    onnx.save(model, path)


def open_export(path: str) -> Callable[[_Tensors], Mapping[str, np.ndarray]]:
    """Return what asks an ONNX model, with tensors by name, or the only one.

    Raises:
        ValueError: for a file that is no such model.
    """
    session = _session(path)
    inputs = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]

    def ask(tensors: _Tensors) -> Mapping[str, np.ndarray]:
        if not isinstance(tensors, Mapping):
            tensors = dict.fromkeys(inputs, tensors)
        feed = {name: tensors[name] for name in inputs}
        return dict(zip(outputs, session.run(outputs, feed), strict=True))

    return ask


def read_metadata(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the class names and what `ServingModel.metadata` was.

    Raises:
        KeyError, ValueError: where they are not there.
    """
    properties = _session(str(path)).get_modelmeta().custom_metadata_map
    return tuple(json.loads(properties[_LABELS])), json.loads(properties[_METADATA])


def _session(path: str) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        # Its errors have no common class, but come from one module (1.32).
        is_its_own = type(error).__module__.startswith(onnxruntime.__name__)
        if not (is_its_own or isinstance(error, RuntimeError | OSError)):
            raise
        raise ValueError(str(error)) from error


def snippet(path: str, code: "SnippetCode") -> list[str]:
    """Return five lines of Python that answer a file, in the folder of exports."""
    modules = ["numpy", "onnxruntime", "pathlib", *code.modules]
    tensors = ", ".join(f'"{name}": {value}' for name, value in code.tensors.items())
    return [
        f"import {', '.join(modules)}",
        f'model = onnxruntime.InferenceSession("{path}")',
        f"{code.variable} = {code.value}",
        f"(answer,) = model.run(None, {{{tensors}}})",
        code.show_scores,
    ]
