"""Recognisers of speech: one flat graph from rows of samples to logits of symbols."""

import keras
import numpy as np

from kft.backbones import package_files
from kft.backbones.audio import (
    conformer,
    conformer_weights,
    hama_file,
    speech_backbone,
)
from kft.backbones.audio.conformer import ConformerSizes
from kft.backbones.audio.conformer_weights import Head
from kft.backbones.audio.speech_backbone import BLANK, SpeechBackbone
from kft.backbones.mask_steps import MaskSteps
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.labels import LabelMap
from kft.model.network import Network

ROWS, MASK = "rows", "mask"
_HEAD_INPUT = "head_steps"
_LOGITS = "symbol_logits"


def build(
    config: SpeechRecognitionConfig, *, symbols: LabelMap, weights: str
) -> Network:
    """Return front end -> backbone -> dropout -> logits of each step.

    The inputs are `rows`, float32 [batch, rows, 320], samples at 16 kHz in [-1, 1], and
    `mask`, int32 [batch, rows], 1 for the rows of the sound. The logits are float32
    [batch, rows, symbols + 1], the last that of the blank, whatever the precision of
    the layers. They are zeros for rows that only fill up the batch.

    Where there are published weights, the new head begins with their row for the blank,
    and for each symbol that is a sign of theirs: from random rows the network says
    something at every step, and hardly learns to be silent.

    Args:
        config: backbone and dropout.
        symbols: what texts are spelled with.
        weights: `pretrained` or `none`.

    Raises:
        errors.ConfigError: for weights that cannot be had.
    """
    backbone = speech_backbone.get(config.backbone)
    rows = keras.Input(
        [None, speech_backbone.SAMPLES_PER_ROW], dtype="float32", name=ROWS
    )
    mask = keras.Input([None], dtype="int32", name=MASK)
    x = conformer.build(rows, mask)
    x = MaskSteps(name=_HEAD_INPUT)(x, mask)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    head = keras.layers.Dense(len(symbols) + 1, dtype="float32", name=_LOGITS)
    logits = MaskSteps(dtype="float32", name="logits")(head(x), mask)
    model = keras.Model({ROWS: rows, MASK: mask}, logits, name="recogniser")
    if weights != "none":
        _load(model, backbone, symbols)
    return Network(
        model=model,
        blocks=backbone.blocks,
        anchors=conformer.cut_anchors(),
        head_anchor=_HEAD_INPUT,
    )


def _load(model: keras.Model, backbone: SpeechBackbone, symbols: LabelMap) -> None:
    if backbone.package is None:
        raise ValueError(f"{backbone.name}: expected a package with its weights")
    file = package_files.find(backbone.package).joinpath(conformer_weights.FILE)
    stored = hama_file.read(file.read_bytes())
    conformer_weights.assign(model, stored, ConformerSizes())
    set_head(model, conformer_weights.head(stored), backbone, symbols)


def set_head(
    model: keras.Model, published: Head, backbone: SpeechBackbone, symbols: LabelMap
) -> None:
    """Give the head the published rows of the blank and of shared symbols.

    Args:
        model: a graph of `build`.
        published: what the network ended in.
        backbone: says which symbols that writes.
        symbols: what the head writes; the blank comes after them.
    """
    places = {sign: place for place, sign in backbone.symbols}
    own = [*map(alphabet.sign_of, symbols.names), BLANK]
    layer = model.get_layer(_LOGITS)
    kernel, bias = (np.array(variable) for variable in layer.weights)
    for number, sign in enumerate(own):
        if sign in places:
            kernel[:, number] = published.kernel[:, places[sign]]
            bias[number] = published.bias[places[sign]]
    layer.set_weights([kernel, bias])
