"""Google's speech embedding (Lin et al., arXiv 2002.01322) as a flat graph.

Convolutions over log-mel frames of 10 ms: each of its outputs sees 0.775 s, and they
follow each other every 80 ms, as if the network slid over the sound.
"""

from typing import Any

import keras
import numpy as np

from kft.backbones.audio.log_mel import LogMel
from kft.backbones.audio.mel_scale import MelScale
from kft.config.stages import Blocks

WIDTH = 96
# Frames that one output sees; frames from one output to the next.
FRAMES, STRIDE = 76, 8
SCALE = MelScale(bands=32, lowest=60.0, highest=3800.0)
SAMPLE_RATE = SCALE.sample_rate
# Samples were of 16 bits.
_GAIN = 32_768.0
# Of each block: its features, and how much the pooling after it takes together of time
# and of bands; None for no pooling.
_Pool = tuple[int, int] | None
_BLOCKS: tuple[tuple[int, _Pool], ...] = (
    (24, (2, 2)),
    (48, None),
    (48, (1, 2)),
    (72, None),
    (72, (2, 2)),
    (96, None),
    (96, (1, 2)),
    (96, None),
    (96, (2, 2)),
)
BLOCKS = Blocks(tuple(f"block_{number}" for number in range(1, len(_BLOCKS) + 1)))
MIN_SECONDS = (SCALE.hop * (FRAMES - 1) + SCALE.fft_length) / SAMPLE_RATE


@keras.saving.register_keras_serializable(package="kft")
class FlooredLeakyReLU(keras.Layer):
    """x above 0, 0.2 x below, and nothing below -0.4."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return what becomes of each value."""
        return keras.ops.maximum(keras.ops.maximum(inputs, 0.2 * inputs), -0.4)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape


@keras.saving.register_keras_serializable(package="kft")
class SplitWindows(keras.layers.Layer):
    """Each window as an example of its own."""

    def __init__(self, samples: int, **kwargs: Any) -> None:
        """Make the layer; `samples` is those of a window."""
        super().__init__(**kwargs)
        self.samples = samples

    def call(self, waveform: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch * windows, samples] of [batch, windows * samples]."""
        return keras.ops.reshape(waveform, (-1, self.samples))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch * windows, samples]."""
        return (None, self.samples)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "samples": self.samples}


@keras.saving.register_keras_serializable(package="kft")
class SideBySide(keras.layers.Layer):
    """Windows of one example one after the other, so that no output sees two."""

    def __init__(self, windows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.windows = windows

    def call(self, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, windows * steps, bands] of [batch * windows, frames, bands].

        Each window is filled up to a multiple of the frames between two outputs.
        """
        missing = -frames.shape[1] % STRIDE
        filled = keras.ops.pad(frames, ((0, 0), (0, missing), (0, 0)))
        steps = self.windows * (frames.shape[1] + missing)
        return keras.ops.reshape(filled, (-1, steps, frames.shape[2]))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, windows * steps, bands]."""
        _, frames, bands = input_shape
        if frames is None:
            raise ValueError("expected windows of a known length")
        return (None, self.windows * (frames + -frames % STRIDE), bands)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "windows": self.windows}


@keras.saving.register_keras_serializable(package="kft")
class WithinWindows(keras.layers.Layer):
    """The outputs that see one window alone, of windows side by side."""

    def __init__(self, windows: int, frames: int, **kwargs: Any) -> None:
        """Make the layer; `frames` is those of a window."""
        super().__init__(**kwargs)
        self.windows = windows
        self.frames = frames

    def call(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, windows * steps, 1, features] of [batch, all, 1, features]."""
        return keras.ops.take(outputs, self._kept(), axis=1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, windows * steps, 1, features]."""
        return (input_shape[0], len(self._kept()), *input_shape[2:])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "windows": self.windows,
            "frames": self.frames,
        }

    def _kept(self) -> list[int]:
        of_window = (self.frames - FRAMES) // STRIDE + 1
        apart = -(-self.frames // STRIDE)
        return [
            window * apart + step
            for window in range(self.windows)
            for step in range(of_window)
        ]


def build(waveform: keras.KerasTensor, *, windows: int = 1) -> keras.KerasTensor:
    """Return the outputs [batch, steps, 1, 96] of sounds [batch, samples].

    Args:
        waveform: output of `keras.Input`, samples in [-1, 1] at 16 kHz: windows of
            `MIN_SECONDS` or longer, one after the other.
        windows: how many; no output sees parts of two.
    """
    x = waveform
    if windows > 1:
        samples = waveform.shape[1] // windows
        x = SplitWindows(samples, name="split_windows")(x)
    x = LogMel(SCALE, gain=_GAIN, name="log_mel")(x)
    frames = x.shape[1]
    x = keras.layers.Rescaling(0.1, offset=2.0, dtype="float32", name="scaling")(x)
    if windows > 1:
        x = SideBySide(windows, name="side_by_side")(x)
    x = _convolutions(x)
    if windows > 1:
        x = WithinWindows(windows, frames, name="within_windows")(x)
    return x


def _conv(features: int, kernel: Any, *, name: str, use_bias: bool = True) -> Any:
    """Return a convolution; begun at random, so that signals keep their size."""
    return keras.layers.Conv2D(
        features,
        kernel,
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name,
    )


def _convolutions(x: keras.KerasTensor) -> keras.KerasTensor:
    x = keras.layers.Reshape((*x.shape[1:], 1), name="one_channel")(x)
    x = keras.layers.ZeroPadding2D((0, 1), name="stem_padding")(x)
    x = _conv(24, 3, use_bias=False, name="stem_conv")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3, name="stem_norm")(x)
    x = FlooredLeakyReLU(name="stem_activation")(x)
    for name, (width, pool) in zip(BLOCKS.names, _BLOCKS, strict=True):
        # Over the bands, then over time.
        x = keras.layers.ZeroPadding2D((0, 1), name=f"{name}_padding")(x)
        x = _conv(width, (1, 3), name=f"{name}_bands")(x)
        x = FlooredLeakyReLU(name=f"{name}_bands_activation")(x)
        x = _conv(width, (3, 1), name=f"{name}_time")(x)
        x = FlooredLeakyReLU(name=f"{name}_time_activation")(x)
        if pool:
            x = keras.layers.MaxPooling2D(pool, pool, name=f"{name}_pooling")(x)
    return _conv(WIDTH, (3, 1), use_bias=False, name="embedding")(x)


def centres(samples: int, windows: int) -> np.ndarray:
    """Return where the middle of what each output sees lies, as shares of the input.

    Args:
        samples: of a window.
        windows: one after the other.
    """
    frames = (samples - SCALE.fft_length) // SCALE.hop + 1
    steps = np.arange((frames - FRAMES) // STRIDE + 1)
    middles = SCALE.hop * (STRIDE * steps + (FRAMES - 1) / 2) + SCALE.fft_length / 2
    of_window = middles / samples
    found: np.ndarray = np.add.outer(np.arange(windows), of_window) / windows
    return found.reshape(-1)


def cut_anchors() -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    anchors, below = {}, "stem_activation"
    for name, (_, pool) in zip(BLOCKS.names, _BLOCKS, strict=True):
        anchors[name] = below
        below = f"{name}_pooling" if pool else f"{name}_time_activation"
    return anchors


def stored_names() -> dict[str, dict[str, str]]:
    """Return for each layer the names of its weights in the published file."""
    norm = "model/batch_normalization"
    fused = f"{norm}/FusedBatchNormV3"
    first = "model/conv2d/StatefulPartitionedCall/StatefulPartitionedCall"
    found = {
        "stem_conv": {"kernel": f"{first}/Conv2D/ReadVariableOp:0"},
        "stem_norm": {
            "gamma": f"{norm}/ReadVariableOp:0",
            "beta": f"{norm}/ReadVariableOp_1:0",
            "moving_mean": f"{fused}/ReadVariableOp:0",
            "moving_variance": f"{fused}/ReadVariableOp_1:0",
        },
    }
    for rank, name in enumerate(BLOCKS.names):
        for number, part in ((2 * rank + 1, "bands"), (2 * rank + 2, "time")):
            conv = f"model/conv2d_{number}/Conv2D"
            found[f"{name}_{part}"] = {
                "kernel": f"{conv}_weights_fused_bn",
                "bias": f"{conv}_bias_fused_bn",
            }
    last = f"model/conv2d_{2 * len(_BLOCKS) + 1}/Conv2D/ReadVariableOp:0"
    return {**found, "embedding": {"kernel": last}}
