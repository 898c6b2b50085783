"""Text classifiers: one flat graph from token ids to logits."""

import keras

from kft.backbones.text import (
    attention_layers,
    bert,
    bert_config,
    bert_weights,
    text_backbone,
)
from kft.config import TextModelConfig
from kft.model.network import Network

_POOLING_NAME = "head_pooling"
_PRETRAINED = "pretrained"


def build(config: TextModelConfig, *, num_classes: int, weights: str) -> Network:
    """Return embeddings -> transformer layers -> pooling -> dropout -> logits.

    The inputs are named `token_ids` and `mask`: int32 [batch, tokens], the mask with 1
    for tokens and 0 for what only fills up a batch. The logits are float32 [batch,
    num_classes], whatever the precision of the layers.

    Args:
        config: backbone, pooling and dropout.
        num_classes: of the labels.
        weights: `pretrained` or `none`.

    Raises:
        errors.ConfigError: for a backbone that cannot be had, or whose weights do not
            fit.
    """
    sizes = bert_config.read(config.backbone)
    token_ids = keras.Input([None], dtype="int32", name="token_ids")
    mask = keras.Input([None], dtype="int32", name="mask")
    states = bert.build(sizes, token_ids, mask)
    pooling = attention_layers.TokenPooling(config.pooling, name=_POOLING_NAME)
    x = pooling(states, mask)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    inputs = {"token_ids": token_ids, "mask": mask}
    model = keras.Model(inputs, logits, name="classifier")
    if weights == _PRETRAINED:
        bert_weights.load(model, sizes, config.backbone)
    return Network(
        model=model,
        blocks=text_backbone.layer_blocks(sizes.num_hidden_layers),
        anchors=bert.cut_anchors(sizes),
        head_anchor=_POOLING_NAME,
    )
