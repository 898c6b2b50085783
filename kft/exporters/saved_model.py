"""SavedModel: raw requests or tensors in, all outputs of the task out.

A file of a format imports nothing of kft when it is loaded: the standalone runner loads
it by its path, and calls `open_export`.
"""

import contextlib
import functools
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kft.exporters import FormatOptions
    from kft.exporters.serving_model import ServingModel
    from kft.tasks.serving_texts import SnippetCode
    from kft.tasks.task import Endpoint

_EXTRA = "assets.extra"
_LABELS = "labels.txt"
_METADATA = "preprocessing.json"
_SIGNATURE = "serving_default"
# Between the parts of a request.
_BETWEEN = b"\0"


def write(served: "ServingModel", path: Path, options: "FormatOptions") -> None:
    """Write a SavedModel with a signature for each endpoint to a folder.

    labels.txt and preprocessing.json are in the folder `assets.extra`, beside requests
    that warm a server up.

    Raises:
        OSError: where it cannot be written.
    """
    import tensorflow as tf

    from kft.exporters import warmup
    from kft.run_folder import atomic_files

    del options  # the format knows none of them
    endpoints = served.endpoints_of_one_trace
    functions = {
        name: tf.function(_for_any_batch(one), autograph=False).get_concrete_function(
            **{spec.name: spec for spec in one.specs}
        )
        for name, one in endpoints.items()
    }
    # Keras' ExportArchive (3.15.1) traces each function twice, and so doubles the time.
    module = tf.Module()
    variables = {
        one.ref(): one for function in functions.values() for one in function.variables
    }
    module.kept = list(variables.values())
    try:
        with _quiet(tf.get_logger()):
            tf.saved_model.save(module, str(path), signatures=functions)
    except tf.errors.OpError as error:
        full = atomic_files.os_error_in(error.message)
        if full is None:
            raise
        raise full from error
    extra = path / _EXTRA
    extra.mkdir()
    (extra / _LABELS).write_text(served.run.labels.text(), encoding="utf-8")
    (extra / _METADATA).write_text(json.dumps(served.metadata))
    warmup.write(path, {name: one.request for name, one in endpoints.items()})


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Leave out what is said of a folder that has this name for a moment only."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _for_any_batch(endpoint: "Endpoint") -> Callable[..., Mapping[str, Any]]:
    """Return the function of an endpoint, made to answer a batch of nothing as well.

    A convolution refuses that (TensorFlow 2.21 with oneDNN), so the example request of
    the endpoint takes its place, and its answer is dropped.
    """
    import tensorflow as tf

    # TensorFlow gives arguments by their places, whatever names it was called with.
    @functools.wraps(endpoint.function)
    def answer(*tensors: tf.Tensor) -> Mapping[str, tf.Tensor]:
        asked = dict(zip(endpoint.signature, tensors, strict=True))
        count = tf.shape(next(iter(asked.values())))[0]
        filled = {
            name: tf.cond(
                count > 0,
                lambda one=one: one,
                lambda name=name: tf.constant(
                    endpoint.request[name][:1].tolist(), endpoint.signature[name].dtype
                ),
            )
            for name, one in asked.items()
        }
        for name, one in filled.items():
            one.set_shape(endpoint.signature[name].shape)
        outputs = endpoint.function(**filled)
        return {name: value[:count] for name, value in outputs.items()}

    return answer


def open_export(
    path: str,
) -> Callable[[Sequence[bytes]], Mapping[str, np.ndarray]]:
    """Return what asks a SavedModel through serving_default, with raw requests.

    Where that takes several texts, these are the parts of a request, which zero bytes
    separate, in the order of their names.
    """
    import tensorflow as tf

    # The signature belongs to the loaded object, which has to live as long.
    loaded = tf.saved_model.load(path)
    names = sorted(loaded.signatures[_SIGNATURE].structured_input_signature[1])

    def ask(requests: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        columns = [list(requests)]
        if len(names) > 1:
            rows = [one.split(_BETWEEN, len(names) - 1) for one in requests]
            rows = [[*row, *[b""] * (len(names) - len(row))] for row in rows]
            columns = [list(column) for column in zip(*rows, strict=True)]
        asked = dict(zip(names, map(tf.constant, columns), strict=True))
        outputs = loaded.signatures[_SIGNATURE](**asked)
        return {output: value.numpy() for output, value in outputs.items()}

    return ask


def read_metadata(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the class names and what `ServingModel.metadata` was.

    Raises:
        OSError, ValueError: where they are not there.
    """
    extra = path / _EXTRA
    labels = (extra / _LABELS).read_text(encoding="utf-8")
    names = tuple(labels.removesuffix("\n").split("\n"))
    return names, json.loads((extra / _METADATA).read_text())


def snippet(path: str, code: "SnippetCode") -> list[str]:
    """Return five lines of Python that answer a file, in the folder of exports."""
    variable = code.variable
    asked = {code.request: f"{variable}[None]", **code.other_requests}
    arguments = ", ".join(f"{name}={value}" for name, value in asked.items())
    return [
        "import tensorflow as tf",
        f'model = tf.saved_model.load("{path}")',
        f'{variable} = tf.io.read_file("{code.file}")',
        f'answer = model.signatures["{_SIGNATURE}"]({arguments})',
        code.show_outputs,
    ]
