"""Recognisers of speech: one flat graph from rows of samples to logits of symbols."""

import dataclasses
from pathlib import Path

import keras
import numpy as np

from kft.backbones.audio import (
    run_weights,
    speech_backbone,
    speech_networks,
    speech_weights,
)
from kft.backbones.audio.published_head import BLANK, PublishedHead
from kft.backbones.audio.speech_networks import SpeechNetwork
from kft.backbones.mask_steps import MaskSteps
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder import run_dir

ROWS, MASK = "rows", "mask"
_HEAD_INPUT = "head_steps"
_LOGITS = "symbol_logits"


def build(
    config: SpeechRecognitionConfig,
    *,
    symbols: LabelMap,
    weights: str,
    kept: Path | None = None,
) -> Network:
    """Return front end -> backbone -> dropout -> logits of each step.

    The inputs are `rows`, float32 [batch, rows, 320], samples at 16 kHz in [-1, 1], and
    `mask`, int32 [batch, rows], 1 for the rows of the sound. The logits are float32
    [batch, rows, symbols + 1], the last that of the blank, whatever the precision of
    the layers. They are zeros for rows that only fill up the batch.

    Where there are published weights, the new head begins with their row for the blank,
    and for each symbol that is a sign of theirs: from random rows the network says
    something at every step, and hardly learns to be silent. Where a letter keeps its
    row, and all layers below theirs, the network writes before it is trained.

    Args:
        config: backbone, dropout, and how many layers begin with random weights.
        symbols: what texts are spelled with.
        weights: value of `--weights`.
        kept: folder with what the run keeps of its backbone, if there is one.

    Raises:
        errors.ConfigError: for weights that cannot be had, or are of another network.
    """
    backbone = speech_backbone.get(config.backbone)
    parts = speech_networks.get(backbone.name, weights=config.weights, kept=kept)
    model = _graph(parts, symbols, dropout=config.dropout)
    network = Network(
        model=model,
        blocks=backbone.blocks,
        anchors=parts.cut_anchors,
        head_anchor=_HEAD_INPUT,
    )
    if weights != speech_weights.NONE:
        random = _weights_near_the_top(network, config.drop_source_layers)
        is_of_run = speech_weights.is_of_run(weights)
        head = _load_run(model, parts, weights) if is_of_run else parts.load(model)
        kept_symbols = set_head(model, head, symbols)
        for variable, numbers in random:
            variable.assign(numbers)
        is_whole = kept_symbols > 0 and not config.drop_source_layers
        network = dataclasses.replace(network, head_is_pretrained=is_whole)
    return network


def _graph(parts: SpeechNetwork, symbols: LabelMap, *, dropout: float) -> keras.Model:
    rows = keras.Input(
        [None, speech_backbone.SAMPLES_PER_ROW], dtype="float32", name=ROWS
    )
    mask = keras.Input([None], dtype="int32", name=MASK)
    x = MaskSteps(name=_HEAD_INPUT)(parts.build(rows, mask), mask)
    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    head = keras.layers.Dense(len(symbols) + 1, dtype="float32", name=_LOGITS)
    logits = MaskSteps(dtype="float32", name="logits")(head(x), mask)
    return keras.Model({ROWS: rows, MASK: mask}, logits, name="recogniser")


def _weights_near_the_top(
    network: Network, layers: int
) -> list[tuple[keras.Variable, np.ndarray]]:
    """Return the weights of the head and of blocks below it, as many in all."""
    distances = network.distances()
    return [
        (variable, np.array(variable))
        for layer in network.model.layers
        if distances[layer.name] < layers
        for variable in layer.weights
    ]


def _load_run(model: keras.Model, parts: SpeechNetwork, weights: str) -> PublishedHead:
    """Set the weights of the backbone to those that a run has kept; return its head.

    Raises:
        errors.ConfigError: where they are of another network, or damaged.
    """
    symbols = run_dir.read_label_file(speech_weights.run_labels(weights))
    source = _graph(parts, symbols, dropout=0.0)
    run_weights.load(source, speech_weights.run_path(weights))
    for layer in source.layers:
        if layer.name != _LOGITS and layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    kernel, bias = source.get_layer(_LOGITS).get_weights()
    signs = [*map(alphabet.sign_of, symbols.names), BLANK]
    return PublishedHead(kernel, bias, {sign: n for n, sign in enumerate(signs)})


def set_head(model: keras.Model, published: PublishedHead, symbols: LabelMap) -> int:
    """Give the head the published rows of the blank and of shared symbols.

    Returns how many symbols have one, apart from blanks between words.

    Args:
        model: a graph of `build`.
        published: what the network ended in.
        symbols: what the head writes; the blank comes after them.
    """
    layer = model.get_layer(_LOGITS)
    kernel, bias = (np.array(variable) for variable in layer.weights)
    signs = [*map(alphabet.sign_of, symbols.names), BLANK]
    kept = published.kept(signs)
    for number, place in kept:
        kernel[:, number] = published.kernel[:, place]
        bias[number] = published.bias[place]
    layer.set_weights([kernel, bias])
    return sum(signs[number] != BLANK and signs[number] != " " for number, _ in kept)
