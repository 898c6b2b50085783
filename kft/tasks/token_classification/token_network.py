"""Taggers of words: one flat graph from token ids to logits of each word."""

import keras

from kft.backbones.mask_steps import MaskSteps
from kft.backbones.text import attention_layers, encoder
from kft.config import TokenClassificationConfig
from kft.model.network import Network

_WORDS_NAME = "head_words"
_PRETRAINED = "pretrained"


def build(
    config: TokenClassificationConfig, *, num_classes: int, weights: str
) -> Network:
    """Return embeddings -> transformer layers -> states of words -> dropout -> logits.

    The inputs are named `token_ids`, `mask` and `first_tokens`, int32 [batch, tokens];
    see `TokenInputs.spec`. The logits are float32 [batch, tokens, num_classes],
    whatever the precision of the layers: row w is that of word w, which is read off its
    first token. Rows of what is no word, and of words that were cut, are zeros.

    Args:
        config: backbone and dropout.
        num_classes: of the labels.
        weights: `pretrained` or `none`.

    Raises:
        errors.ConfigError: for a backbone that cannot be had, or whose weights do not
            fit.
    """
    texts = encoder.build(config.backbone)
    first = keras.Input([None], dtype="int32", name="first_tokens")
    x = attention_layers.TakeSteps(name=_WORDS_NAME)(texts.states, first)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    x = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    is_word = keras.ops.minimum(first, 1)
    logits = MaskSteps(dtype="float32", name="logits_of_words")(x, is_word)
    inputs = {"token_ids": texts.token_ids, "mask": texts.mask, "first_tokens": first}
    model = keras.Model(inputs, logits, name="tagger")
    if weights == _PRETRAINED:
        texts.load(model)
    return Network(
        model=model,
        blocks=texts.blocks,
        anchors=texts.anchors,
        head_anchor=_WORDS_NAME,
    )
