"""The weights of DeepSpeech, out of a checkpoint that its training has written.

Names as `create_model` of mozilla/DeepSpeech v0.9.3 makes them, with those of the
optimizer beside them. CuDNN's LSTM is saved under the same names in the same form.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors
from kft.backbones.audio import deep_speech, deep_speech_folder
from kft.backbones.audio.deep_speech import DeepSpeechSizes
from kft.backbones.audio.published_head import BLANK, PublishedHead

_LSTM = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
_HEAD = "layer_6"
_SHOWN = 4
_OF_OPTIMIZER = ("Adam", "Adam_1")


def sizes(weights: str) -> DeepSpeechSizes:
    """Return the sizes of the network of a checkpoint; see `deep_speech_folder.find`.

    Raises:
        errors.ConfigError: where it is none, or one of another network.
    """
    prefix = deep_speech_folder.find(weights)
    return _sizes(_opened(prefix).get_variable_to_shape_map(), prefix)


def assign(model: keras.Model, weights: str) -> PublishedHead:
    """Set the weights of the backbone in a graph; return what the checkpoint ends in.

    Args:
        model: a graph that `deep_speech.build` is part of, with the checkpoint's sizes.
        weights: see `deep_speech_folder.find`.

    Raises:
        errors.ConfigError: naming what is missing or of another shape.
    """
    prefix = deep_speech_folder.find(weights)
    reader = _opened(prefix)
    _sizes(reader.get_variable_to_shape_map(), prefix)
    for name in deep_speech.DENSE:
        model.get_layer(name).set_weights(_dense(reader, name))
    kernel, bias = (reader.get_tensor(f"{_LSTM}/{part}") for part in ("kernel", "bias"))
    from_below, recurrent = np.split(kernel, [len(kernel) - kernel.shape[1] // 4])
    model.get_layer(deep_speech.LSTM).set_weights(
        [_keras_gates(part) for part in (from_below, recurrent, bias)]
    )
    head_kernel, head_bias = _dense(reader, _HEAD)
    signs = deep_speech_folder.signs(prefix, len(head_bias) - 1)
    places = {sign: place for place, sign in enumerate([*signs, BLANK])}
    logging.info("Weights of DeepSpeech from %s", prefix)
    return PublishedHead(head_kernel, head_bias, places)


def _dense(reader: Any, name: str) -> list[np.ndarray]:
    return [reader.get_tensor(f"{name}/{part}") for part in ("weights", "bias")]


def _keras_gates(stored: np.ndarray) -> np.ndarray:
    """Return gates [.., 4 * width] in the order of Keras: input, forget, cell, output.

    TensorFlow's LSTMBlockFusedCell has the cell before the forget gate, whose bias is
    whole there: DeepSpeech sets `forget_bias` to 0.
    """
    inputs, cell, forget, output = np.split(stored, 4, axis=-1)
    return np.concatenate([inputs, forget, cell, output], axis=-1)


def _opened(prefix: Path) -> Any:
    """Return the reader of a checkpoint, whose class TensorFlow does not name."""
    try:
        return tf.train.load_checkpoint(str(prefix))
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise errors.ConfigError(
            f"--weights: {prefix} cannot be read as a checkpoint of TensorFlow: "
            f"{errors.excerpt(str(error))}. Its files are {prefix.name}.index and "
            f"{prefix.name}.data-00000-of-00001: copy or download both again."
        ) from error


def _sizes(shapes: Mapping[str, Sequence[int]], prefix: Path) -> DeepSpeechSizes:
    """Return the sizes that the shapes of variables agree on.

    Raises:
        errors.ConfigError: naming the variables that do not.
    """
    first = shapes.get("layer_1/bias") or [DeepSpeechSizes().width]
    found = DeepSpeechSizes(width=int(first[0]))
    expected = _shapes(found, shapes.get(f"{_HEAD}/bias") or [1])
    problems = [
        f"{name} is missing"
        if name not in shapes
        else f"{name} is {list(shapes[name])}, expected {shape}"
        for name, shape in expected.items()
        if list(shapes.get(name, ())) != shape
    ]
    problems += [
        f"{name} is nothing of DeepSpeech 0.9"
        for name in sorted(shapes)
        if name.startswith(("layer_", "cudnn_lstm/"))
        and name not in expected
        and name.rpartition("/")[2] not in _OF_OPTIMIZER
    ]
    if problems:
        raise errors.ConfigError(
            f"--weights: {prefix} is no checkpoint of DeepSpeech 0.9 without "
            f"layer_norm: {errors.listed(problems, most=_SHOWN)}."
        )
    return found


def _shapes(sizes: DeepSpeechSizes, outputs: Sequence[int]) -> dict[str, list[int]]:
    """Return the shape of each variable of a network, which writes so many symbols."""
    width = sizes.width
    frames = 2 * deep_speech.CONTEXT + 1
    found: dict[str, list[int]] = {}
    for name in (*deep_speech.DENSE, _HEAD):
        below = width if name != deep_speech.DENSE[0] else None
        rows = below or frames * deep_speech.FRONT_END.coefficients
        columns = int(outputs[0]) if name == _HEAD else width
        found |= {f"{name}/weights": [rows, columns], f"{name}/bias": [columns]}
    found[f"{_LSTM}/kernel"] = [2 * width, 4 * width]
    found[f"{_LSTM}/bias"] = [4 * width]
    return found
