"""DeepSpeech of Mozilla, version 0.9, as a flat graph.

Three dense layers over 19 frames of cepstral coefficients, an LSTM, and one dense layer
more; after Hannun et al., arXiv 1412.5567, and mozilla/DeepSpeech v0.9.3,
training/deepspeech_training/train.py, `create_model`.
"""

import dataclasses
from typing import Any

import keras

from kft.backbones.audio.mfcc import Mfcc, MfccSizes
from kft.backbones.mask_steps import MaskSteps

FRONT_END = MfccSizes()
# Frames before, and after, the one that an output is for.
CONTEXT = 9
# What a dense layer gives at most (flag relu_clip).
CLIP = 20.0
LSTM = "lstm"
DENSE = ("layer_1", "layer_2", "layer_3", "layer_5")
_INPUT = "frames_in_context"


@dataclasses.dataclass(frozen=True)
class DeepSpeechSizes:
    """How large a DeepSpeech is.

    Attributes:
        width: features of every layer (flag n_hidden).
    """

    width: int = 2048


@keras.saving.register_keras_serializable(package="kft")
class ContextWindow(keras.Layer):
    """Each step with its neighbours, one after the other; zeros beyond both ends."""

    def __init__(self, context: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context = context

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, steps, (2 * context + 1) * features] of [.., features]."""
        steps, side = keras.ops.shape(inputs)[1], self.context
        around = keras.ops.pad(inputs, ((0, 0), (side, side), (0, 0)))
        parts = [around[:, first : first + steps] for first in range(2 * side + 1)]
        return keras.ops.concatenate(parts, axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of as many steps."""
        features = input_shape[-1]
        width = None if features is None else (2 * self.context + 1) * features
        return (*input_shape[:-1], width)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "context": self.context}


def build(
    rows: keras.KerasTensor, mask: keras.KerasTensor, sizes: DeepSpeechSizes
) -> keras.KerasTensor:
    """Return a vector of each 20 ms, [batch, rows, width].

    There is a frame of 32 ms for each row. The last one or two of a sound end in
    silence, as in DeepSpeech's clients; its training left them out.

    Args:
        rows: output of `keras.Input`, [batch, rows, 320], samples at 16 kHz in [-1, 1].
        mask: likewise, int32 [batch, rows], 1 for the rows of the sound.
        sizes: of the network.
    """
    x = MaskSteps(name="rows_masked")(rows, mask)
    x = Mfcc(FRONT_END, name="mfcc")(x)
    x = MaskSteps(name="frames_masked")(x, mask)
    x = ContextWindow(CONTEXT, name=_INPUT)(x)
    *below, above = DENSE
    for name in below:
        x = _dense(x, name, sizes)
    # What fills up a batch comes last, so it reaches no step that counts.
    x = keras.layers.LSTM(sizes.width, return_sequences=True, name=LSTM)(x)
    return _dense(x, above, sizes)


def cut_anchors() -> dict[str, str]:
    """Return for each block the layer whose output ends everything below it."""
    *below, above = DENSE
    names = [*below, LSTM, above]
    ends = [_INPUT, *(f"{name}_relu" for name in below), LSTM]
    return dict(zip(names, ends, strict=True))


def _dense(
    x: keras.KerasTensor, name: str, sizes: DeepSpeechSizes
) -> keras.KerasTensor:
    x = keras.layers.Dense(sizes.width, name=name)(x)
    return keras.layers.ReLU(max_value=CLIP, name=f"{name}_relu")(x)
