"""The graphs of audio backbones, by their names in the table."""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np

from kft.backbones.audio import (
    audio_backbone,
    speech_embedding,
    speech_embedding_weights,
    whisper_encoder,
    whisper_weights,
    yamnet,
    yamnet_weights,
)
from kft.data.audio.windows import Windows


@dataclasses.dataclass(frozen=True)
class AudioNetwork:
    """How a backbone is built.

    Attributes:
        build: returns the outputs [batch, steps, 1, features] of windows one after the
            other, [batch, windows * samples] in [-1, 1].
        cut_anchors: returns for each block the layer that ends everything below it.
        load: sets the published weights in a graph that the backbone is part of, given
            the value of `--weights`.
        centres: returns where the middle of what each output sees lies, as shares of
            the input.
        scale: about how large the outputs are.
    """

    build: Callable[[keras.KerasTensor, Windows], keras.KerasTensor]
    cut_anchors: Callable[[], Mapping[str, str]]
    load: Callable[[keras.Model, str], None]
    centres: Callable[[Windows], np.ndarray]
    scale: float


def _even_centres(windows: Windows) -> np.ndarray:
    steps = windows.samples // whisper_encoder.SAMPLES_PER_STEP
    centres: np.ndarray = (np.arange(steps) + 0.5) / steps
    return centres


NETWORKS: dict[str, AudioNetwork] = {
    audio_backbone.SPEECH_EMBEDDING: AudioNetwork(
        build=lambda waveform, windows: speech_embedding.build(
            waveform, windows=windows.count
        ),
        cut_anchors=speech_embedding.cut_anchors,
        load=lambda model, weights: speech_embedding_weights.load(model),
        centres=lambda windows: speech_embedding.centres(
            windows.samples, windows.count
        ),
        scale=16.0,
    ),
    audio_backbone.WHISPER_ENCODER: AudioNetwork(
        build=lambda waveform, windows: whisper_encoder.build(waveform),
        cut_anchors=whisper_encoder.cut_anchors,
        load=lambda model, weights: whisper_weights.load(model),
        centres=_even_centres,
        scale=1.0,
    ),
    audio_backbone.YAMNET: AudioNetwork(
        build=lambda waveform, windows: yamnet.build(waveform, windows=windows.count),
        cut_anchors=yamnet.cut_anchors,
        load=yamnet_weights.load,
        centres=lambda windows: yamnet.centres(windows.samples, windows.count),
        scale=1.0,
    ),
}
