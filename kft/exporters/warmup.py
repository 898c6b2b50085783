"""Requests that TensorFlow Serving sends to itself when it loads a model.

Otherwise the first real request waits for the graph to be optimised. The file is a
TFRecord of `tensorflow.serving.PredictionLog`. It is encoded here by hand (protocol
buffers, wire format: a length-delimited field is its number * 8 + 2, the length, the
bytes), for the package with the classes, tensorflow-serving-api, is needed for nothing
else.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

# Numbers of fields in tensorflow_serving/apis/{prediction_log,predict,model}.proto.
_LOG_PREDICT = 6
_PREDICT_LOG_REQUEST = 1
_REQUEST_MODEL, _REQUEST_INPUTS = 1, 2
_MODEL_SIGNATURE = 3
_MAP_KEY, _MAP_VALUE = 1, 2


def write(folder: Path, requests: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Write requests into the folder of a SavedModel.

    Args:
        folder: of the SavedModel.
        requests: for each signature, its inputs by name.
    """
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            writer.write(_log(signature, inputs))


def _log(signature: str, inputs: Mapping[str, np.ndarray]) -> bytes:
    model = _field(_MODEL_SIGNATURE, signature.encode())
    request = _field(_REQUEST_MODEL, model)
    for name, tensor in inputs.items():
        value = tf.make_tensor_proto(tensor).SerializeToString()
        entry = _field(_MAP_KEY, name.encode()) + _field(_MAP_VALUE, value)
        request += _field(_REQUEST_INPUTS, entry)
    return _field(_LOG_PREDICT, _field(_PREDICT_LOG_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
