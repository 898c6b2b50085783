"""Whisper as one flat graph: a sound and a text in, how both go together out."""

from importlib.resources.abc import Traversable

import keras
from absl import logging

from kft import errors
from kft.backbones import package_files
from kft.backbones.audio import (
    run_weights,
    speech_backbone,
    speech_weights,
    whisper_config,
    whisper_decoder,
    whisper_encoder,
    whisper_folder,
    whisper_weights,
)
from kft.backbones.audio.speech_backbone import SpeechBackbone
from kft.backbones.audio.token_writer import TokenWriter, WritingRules
from kft.backbones.audio.whisper_config import WhisperConfig
from kft.backbones.audio.whisper_decoder import DecoderLayers
from kft.data.audio.transcript_tokens import TranscriptTokens
from kft.model.network import Network

ROWS, TOKENS, TOKEN_MASK = "rows", "tokens", "token_mask"
# Of 20 ms: the window of 30 s that the network was trained on. After shorter ones it
# repeats itself.
WINDOW_ROWS = 1_500


def build(
    backbone: SpeechBackbone,
    tokens: TranscriptTokens,
    *,
    weights: str,
    dropout: float = 0.0,
) -> Network:
    """Return encoder -> decoder -> rows of `token_writer.TokenWriter`.

    The inputs are `rows`, float32 [batch, 1500, 320], samples at 16 kHz in [-1, 1] and
    silence up to 30 s; `tokens`, int32 [batch, tokens], given texts with what stands
    around them; and `token_mask`, int32 [batch, tokens], 1 for real tokens. The head
    is the last norm with the projection to tokens, which begins as their embeddings.

    Args:
        backbone: a Whisper.
        tokens: that texts are spelled with.
        weights: value of `--weights`.
        dropout: share of what the projection reads.

    Raises:
        errors.ConfigError: for weights that cannot be had, or are of another network.
    """
    sizes = sizes_of(backbone)
    model = graph(sizes, tokens, dropout=dropout)
    if speech_weights.is_of_run(weights):
        run_weights.load(model, speech_weights.run_path(weights))
    elif weights != speech_weights.NONE:
        _load(model, backbone)
    anchors = [
        *whisper_encoder.cut_anchors(sizes.encoder).values(),
        *whisper_decoder.cut_anchors(sizes.decoder).values(),
    ]
    return Network(
        model=model,
        blocks=backbone.blocks,
        anchors=dict(zip(backbone.blocks.names, anchors, strict=True)),
        head_anchor=sizes.decoder.blocks.names[-1],
        head_is_pretrained=weights != speech_weights.NONE,
    )


def sizes_of(backbone: SpeechBackbone) -> WhisperConfig:
    """Return the sizes of a backbone that is a Whisper."""
    if backbone.whisper is None:
        raise ValueError(f"{backbone.name}: expected a Whisper")
    return backbone.whisper


def files(backbone: SpeechBackbone) -> Traversable:
    """Return the folder with tokens and weights, which may be in an archive.

    Raises:
        errors.ConfigError: where it cannot be had.
    """
    if backbone.package is not None:
        return package_files.find(backbone.package)
    if backbone.folder is None:
        raise errors.ConfigError(
            f"--backbone={backbone.name}: the folder is not there any more."
        )
    return backbone.folder


def _load(model: keras.Model, backbone: SpeechBackbone) -> None:
    """Set the weights of a graph to the pretrained ones; raises ConfigError."""
    sizes, flag = sizes_of(backbone), f"--backbone={backbone.name}"
    folder = files(backbone)
    if backbone.folder is not None:
        stored = whisper_folder.read(backbone.folder, sizes, flag)
    else:
        stored = whisper_weights.read(folder)
    try:
        whisper_weights.assign_whole(model, stored, sizes.encoder, sizes.decoder)
    except ValueError as error:
        raise errors.ConfigError(
            f"{flag}: its weights are not of the sizes that its "
            f"{whisper_config.CONFIG} says: {error}"
        ) from error
    logging.info("%d weights of %s", len(stored), backbone.name)


def graph(
    sizes: WhisperConfig, tokens: TranscriptTokens, *, dropout: float = 0.0
) -> keras.Model:
    """Return the graph of `build` with random weights."""
    rows = keras.Input(
        [WINDOW_ROWS, speech_backbone.SAMPLES_PER_ROW], dtype="float32", name=ROWS
    )
    given = keras.Input([None], dtype="int32", name=TOKENS)
    mask = keras.Input([None], dtype="int32", name=TOKEN_MASK)
    samples = WINDOW_ROWS * speech_backbone.SAMPLES_PER_ROW
    waveform = keras.layers.Reshape((samples,), dtype="float32", name="waveform")(rows)
    heard = whisper_encoder.encode(waveform, sizes.encoder)
    layers = DecoderLayers.of_sizes(sizes.decoder)
    states, heard = layers.build(given, heard)
    rules = WritingRules(
        begin=tokens.begin,
        end=tokens.end,
        suppressed=tokens.suppressed_of(sizes.vocabulary),
        suppressed_first=tokens.suppressed_first,
        most=sizes.most_tokens,
    )
    writer = TokenWriter(layers, rules, vocabulary=sizes.vocabulary)
    if dropout:
        states = keras.layers.Dropout(dropout, name="head_dropout")(states)
    outputs = writer(states, given, mask, heard)
    inputs = {ROWS: rows, TOKENS: given, TOKEN_MASK: mask}
    return keras.Model(inputs, outputs, name="recogniser")
