"""Audio classifiers: one flat graph from samples of sound to logits."""

from collections.abc import Mapping

import keras

from kft.backbones.audio import audio_backbone, audio_networks, log_mel_image
from kft.backbones.audio.time_pooling import TimePooling
from kft.backbones.image import build_family, image_table
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
        weights: value of `--weights`.

    Raises:
        errors.ConfigError: for a backbone whose weights cannot be had.
    """
    samples = windows.samples * windows.count
    waveform = keras.Input([samples], dtype="float32", name=WAVEFORM)
    network = audio_networks.NETWORKS.get(config.backbone)
    if network is None:
        scale, features = 1.0, _of_image(config, waveform, windows, weights)
    else:
        scale, features = network.scale, network.build(waveform, windows)
    x = TimePooling(config.pooling, scale=scale, name=_POOLING_NAME)(features)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(waveform, logits, name="classifier")
    if network is None:
        image_backbone = image_table.get(config.backbone)
        anchors: Mapping[str, str] = build_family.cut_anchors(image_backbone, model)
    else:
        anchors = network.cut_anchors()
        if weights != "none":
            network.load(model, weights)
    return Network(
        model=model,
        blocks=audio_backbone.get(config.backbone).blocks,
        anchors=anchors,
        head_anchor=_POOLING_NAME,
    )


def _of_image(
    config: AudioClassificationConfig,
    waveform: keras.KerasTensor,
    windows: Windows,
    weights: str,
) -> keras.KerasTensor:
    """Return the feature map of a network of images, of the spectrogram."""
    of_images = audio_windows.image_model(config).weights
    return log_mel_image.build(
        waveform,
        config.backbone,
        sample_rate=windows.sample_rate,
        weights=weights if weights == "none" else of_images,
    )
