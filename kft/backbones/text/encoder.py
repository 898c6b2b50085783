"""A pretrained network of texts as the lower part of a flat graph."""

import dataclasses
from collections.abc import Mapping

import keras

from kft.backbones.text import bert, bert_config, bert_weights, text_backbone
from kft.config.stages import Blocks


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The graph from tokens to their states; its weights are random at first.

    Attributes:
        backbone: value of `--backbone`.
        token_ids: input, int32 [batch, tokens].
        mask: input of the same shape, 1 for tokens and 0 for what only fills up a
            batch.
        states: [batch, tokens, features]; what is no token has any.
        blocks: where it can be cut.
        anchors: for each block, the layer whose output ends everything below it.
    """

    backbone: str
    token_ids: keras.KerasTensor
    mask: keras.KerasTensor
    states: keras.KerasTensor
    blocks: Blocks
    anchors: Mapping[str, str]

    def load(self, model: keras.Model) -> None:
        """Set the pretrained weights in a graph that this is part of.

        Raises:
            errors.ConfigError: where there are none, or they are of another network.
        """
        bert_weights.load(model, bert_config.read(self.backbone), self.backbone)


def build(backbone: str) -> Encoder:
    """Return the network of a value of `--backbone`.

    Raises:
        errors.ConfigError: where it cannot be had or built.
    """
    sizes = bert_config.read(backbone)
    token_ids = keras.Input([None], dtype="int32", name="token_ids")
    mask = keras.Input([None], dtype="int32", name="mask")
    return Encoder(
        backbone=backbone,
        token_ids=token_ids,
        mask=mask,
        states=bert.build(sizes, token_ids, mask),
        blocks=text_backbone.layer_blocks(sizes.num_hidden_layers),
        anchors=bert.cut_anchors(sizes),
    )
