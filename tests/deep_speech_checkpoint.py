"""Small checkpoints with the names of DeepSpeech, and what its operations make of them.

Nothing here is of kft: the front end and the LSTM are the operations of TensorFlow that
DeepSpeech itself calls.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

LSTM = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
ENGLISH = " abcdefghijklmnopqrstuvwxyz'"


def numbers(*, width: int, outputs: int = 29) -> dict[str, np.ndarray]:
    """Return random weights, with some of what the optimizer leaves beside them."""
    rng = np.random.default_rng(0)
    shapes = {"layer_1": (494, width), "layer_6": (width, outputs)}
    shapes |= dict.fromkeys(("layer_2", "layer_3", "layer_5"), (width, width))
    found = {}
    for name, shape in shapes.items():
        # Coefficients are large, and some of the first layer is clipped.
        scale = 0.3 if name == "layer_1" else 1.5
        found[f"{name}/weights"] = rng.normal(0, scale / np.sqrt(shape[0]), shape)
        found[f"{name}/bias"] = rng.normal(0, 0.3, shape[1])
    found[f"{LSTM}/kernel"] = rng.normal(0, 0.5, (2 * width, 4 * width))
    found[f"{LSTM}/bias"] = rng.normal(0, 0.5, 4 * width)
    found |= {f"{name}/Adam": np.zeros_like(array) for name, array in found.items()}
    found["beta1_power"] = np.array(0.9)
    found["learning_rate"] = np.array(1e-4)
    return {name: array.astype(np.float32) for name, array in found.items()}


def write(
    folder: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    name: str = "best_dev-7",
    state: str = "best_dev_checkpoint",
) -> Path:
    """Write a checkpoint and the file that names it, as on another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / name),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=list(map(tf.constant, arrays.values())),
    )
    (folder / state).write_text(f'model_checkpoint_path: "/elsewhere/{name}"\n')
    return folder


def coefficients(samples: np.ndarray) -> np.ndarray:
    """Return those of the whole frames in samples [n], [frames, 26]."""
    power = tf.raw_ops.AudioSpectrogram(
        input=samples[:, None], window_size=512, stride=320, magnitude_squared=True
    )
    found = tf.raw_ops.Mfcc(
        spectrogram=power,
        sample_rate=16_000,
        upper_frequency_limit=8000.0,
        dct_coefficient_count=26,
    )
    return found.numpy()[0]


def logits(arrays: Mapping[str, np.ndarray], frames: np.ndarray) -> np.ndarray:
    """Return what the network says of coefficients, [frames, outputs]."""
    padded = np.pad(frames, ((9, 9), (0, 0)))
    windows = np.stack([padded[at : at + 19].ravel() for at in range(len(frames))])
    x = windows.astype(np.float64)
    for name in ("layer_1", "layer_2", "layer_3"):
        x = _dense(arrays, x, name)
    width = x.shape[1]
    nothing, peepholes = np.zeros([1, width], np.float32), np.zeros(width, np.float32)
    x = tf.raw_ops.BlockLSTM(
        seq_len_max=len(x),
        x=x[:, None].astype(np.float32),
        cs_prev=nothing,
        h_prev=nothing,
        w=arrays[f"{LSTM}/kernel"],
        wci=peepholes,
        wcf=peepholes,
        wco=peepholes,
        b=arrays[f"{LSTM}/bias"],
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h.numpy()[:, 0]
    x = _dense(arrays, x, "layer_5")
    return x @ arrays["layer_6/weights"] + arrays["layer_6/bias"]


def _dense(arrays: Mapping[str, np.ndarray], x: np.ndarray, name: str) -> np.ndarray:
    return np.clip(x @ arrays[f"{name}/weights"] + arrays[f"{name}/bias"], 0, 20)
