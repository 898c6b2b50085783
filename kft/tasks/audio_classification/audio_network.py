"""Audio classifiers: one flat graph from samples of sound to logits."""

import keras

from kft import backbones
from kft.backbones.audio import (
    audio_backbone,
    log_mel_image,
    speech_embedding,
    speech_embedding_weights,
)
from kft.backbones.audio.time_pooling import TimePooling
from kft.backbones.image import build_family
from kft.config import AudioClassificationConfig
from kft.data.audio.windows import Windows
from kft.model.network import Network
from kft.tasks.audio_classification import audio_windows

WAVEFORM = "waveform"
_POOLING_NAME = "head_pooling"


def build(
    config: AudioClassificationConfig,
    *,
    windows: Windows,
    num_classes: int,
    weights: str,
) -> Network:
    """Return front end -> backbone -> pooling over time -> dropout -> logits.

    The input is named `waveform`: float32 [batch, windows * samples], in [-1, 1]. The
    logits are float32 [batch, num_classes], whatever the precision of the layers.

    Args:
        config: backbone, pooling and dropout.
        windows: what of a sound is read.
        num_classes: of the labels.
        weights: `pretrained` or `none`.

    Raises:
        errors.ConfigError: for a backbone whose weights cannot be had.
    """
    backbone = audio_backbone.get(config.backbone)
    samples = windows.samples * windows.count
    waveform = keras.Input([samples], dtype="float32", name=WAVEFORM)
    if backbone.is_of_images:
        features = log_mel_image.build(
            waveform,
            config.backbone,
            sample_rate=windows.sample_rate,
            weights=audio_windows.image_model(config).weights
            if weights != "none"
            else weights,
        )
    else:
        features = speech_embedding.build(waveform, windows=windows.count)
    scale = 1.0 if backbone.is_of_images else speech_embedding.SCALE_OF_OUTPUTS
    x = TimePooling(config.pooling, scale=scale, name=_POOLING_NAME)(features)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(waveform, logits, name="classifier")
    if backbone.is_of_images:
        anchors = build_family.cut_anchors(backbones.get(config.backbone), model)
    else:
        anchors = speech_embedding.cut_anchors()
        if weights != "none":
            speech_embedding_weights.load(model)
    return Network(
        model=model,
        blocks=backbone.blocks,
        anchors=anchors,
        head_anchor=_POOLING_NAME,
    )
