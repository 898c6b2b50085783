"""The graphs of recognisers of speech, by their names in the table."""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
from absl import logging

from kft.backbones import package_files
from kft.backbones.audio import (
    conformer,
    conformer_weights,
    deep_speech,
    deep_speech_2,
    deep_speech_2_sizes,
    deep_speech_checkpoint,
    hama_file,
    speech_backbone,
    speech_weights,
)
from kft.backbones.audio.conformer import ConformerSizes
from kft.backbones.audio.deep_speech import DeepSpeechSizes
from kft.backbones.audio.published_head import PublishedHead
from kft.backbones.audio.speech_backbone import SpeechBackbone

# In the folder of what a run keeps of its backbone.
_SIZES = "sizes.json"


@dataclasses.dataclass(frozen=True)
class SpeechNetwork:
    """How a backbone of certain sizes is built.

    Attributes:
        build: returns a vector of each row, [batch, rows, width], of rows of samples
            [batch, rows, 320] at 16 kHz in [-1, 1], and of their mask, int32
            [batch, rows], 1 for the rows of the sound.
        cut_anchors: for each block the layer that ends everything below it.
        load: sets the published weights in a graph that the backbone is part of, and
            returns what the published network ends in.
        kept_files: what a run keeps to build it where the weights are not, by name.
    """

    build: Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]
    cut_anchors: Mapping[str, str]
    load: Callable[[keras.Model], PublishedHead]
    kept_files: Mapping[str, bytes] = dataclasses.field(default_factory=dict)


def get(name: str, *, weights: str, kept: Path | None = None) -> SpeechNetwork:
    """Return how a backbone is built for a run.

    Args:
        name: of the backbone.
        weights: value of `--weights`, which may decide the sizes.
        kept: folder with the `kept_files` of the run; None before there is one.

    Raises:
        errors.ConfigError: where there is no such backbone, or weights of another one.
    """
    return _NETWORKS[name](speech_backbone.get(name), weights, kept)


def _conformer(
    backbone: SpeechBackbone, weights: str, kept: Path | None
) -> SpeechNetwork:
    del weights, kept

    def load(model: keras.Model) -> PublishedHead:
        if backbone.package is None:
            raise ValueError(f"{backbone.name}: expected a package with its weights")
        file = package_files.find(backbone.package).joinpath(conformer_weights.FILE)
        stored = hama_file.read(file.read_bytes())
        conformer_weights.assign(model, stored, ConformerSizes())
        logging.info("%d weights of %s", len(stored), backbone.name)
        return conformer_weights.head(stored)

    return SpeechNetwork(conformer.build, conformer.cut_anchors(), load)


def _deep_speech(
    backbone: SpeechBackbone, weights: str, kept: Path | None
) -> SpeechNetwork:
    del backbone
    sizes = DeepSpeechSizes()
    if speech_weights.is_of_run(weights) and kept is None:
        kept = speech_weights.run_path(weights).with_name("backbone")
    if kept is not None and kept.joinpath(_SIZES).is_file():
        sizes = DeepSpeechSizes(**json.loads(kept.joinpath(_SIZES).read_bytes()))
    elif speech_weights.is_path(weights) and not speech_weights.is_of_run(weights):
        sizes = deep_speech_checkpoint.sizes(weights)
    return SpeechNetwork(
        functools.partial(deep_speech.build, sizes=sizes),
        deep_speech.cut_anchors(),
        functools.partial(deep_speech_checkpoint.assign, weights=weights),
        {_SIZES: json.dumps(dataclasses.asdict(sizes)).encode()},
    )


def _deep_speech_2(
    backbone: SpeechBackbone, weights: str, kept: Path | None
) -> SpeechNetwork:
    del weights, kept
    sizes = deep_speech_2_sizes.SIZES[backbone.name]

    def load(model: keras.Model) -> PublishedHead:
        raise ValueError(f"there are no weights for {model.name}: {backbone.name}")

    return SpeechNetwork(
        functools.partial(deep_speech_2.build, sizes=sizes),
        deep_speech_2.cut_anchors(sizes),
        load,
    )


# By the name of a backbone: from the entry, `--weights` and the kept files of a run.
_NETWORKS: dict[str, Callable[[SpeechBackbone, str, Path | None], SpeechNetwork]] = {
    speech_backbone.HAMA_CONFORMER: _conformer,
    speech_backbone.DEEP_SPEECH: _deep_speech,
    **dict.fromkeys(deep_speech_2_sizes.SIZES, _deep_speech_2),
}
