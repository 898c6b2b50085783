"""Text classifiers: one flat graph from token ids to logits."""

import keras

from kft.backbones.text import attention_layers, encoder
from kft.config import TextClassificationConfig
from kft.model.network import Network

_POOLING_NAME = "head_pooling"
_PRETRAINED = "pretrained"


def build(
    config: TextClassificationConfig, *, num_classes: int, weights: str
) -> Network:
    """Return embeddings -> transformer layers -> pooling -> dropout -> logits.

    The inputs are named `token_ids` and `mask`: int32 [batch, tokens], the mask with 1
    for tokens and 0 for what only fills up a batch; and where pairs are read by a
    network that tells their texts apart, `token_types`. The logits are float32 [batch,
    num_classes], whatever the precision of the layers.

    Args:
        config: backbone, pooling, dropout, and whether it reads pairs.
        num_classes: of the labels.
        weights: `pretrained` or `none`.

    Raises:
        errors.ConfigError: for a backbone that cannot be had, or whose weights do not
            fit.
    """
    texts = encoder.build(config.backbone, pairs=config.pairs)
    kind: str = config.pooling
    if kind == "auto":
        kind = "last" if texts.is_decoder else "mean"
    pooling = attention_layers.TokenPooling(kind, name=_POOLING_NAME)
    x = pooling(texts.states, texts.mask)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(texts.inputs, logits, name="classifier")
    if weights == _PRETRAINED:
        texts.load(model)
    return Network(
        model=model,
        blocks=texts.blocks,
        anchors=texts.anchors,
        head_anchor=_POOLING_NAME,
    )
