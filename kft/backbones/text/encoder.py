"""A pretrained network of texts as the lower part of a flat graph."""

import dataclasses
from collections.abc import Mapping

import keras

from kft.backbones.text import (
    bert,
    gpt2,
    layer_parts,
    llama,
    text_backbone,
    transformer_config,
    transformer_weights,
)
from kft.config.stages import Blocks

# How layers are put together, by `TextFamily.graph`.
_GRAPHS = {"bert": bert, "gpt2": gpt2, "llama": llama}


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The graph from tokens to their states; its weights are random at first.

    Attributes:
        backbone: value of `--backbone`.
        token_ids: input, int32 [batch, tokens].
        mask: input of the same shape, 1 for tokens and 0 for what only fills up a
            batch.
        token_types: input of the same shape, which text of a pair a token is of; None
            where it is not asked for, or all tokens are of one type.
        states: [batch, tokens, features]; what is no token has any.
        blocks: where it can be cut.
        anchors: for each block, the layer whose output ends everything below it.
        is_decoder: whether a token sees those before it alone.
    """

    backbone: str
    token_ids: keras.KerasTensor
    mask: keras.KerasTensor
    token_types: keras.KerasTensor | None
    states: keras.KerasTensor
    blocks: Blocks
    anchors: Mapping[str, str]
    is_decoder: bool

    @property
    def inputs(self) -> dict[str, keras.KerasTensor]:
        """Return the inputs by their names."""
        found = {"token_ids": self.token_ids, "mask": self.mask}
        if self.token_types is not None:
            found["token_types"] = self.token_types
        return found

    def load(self, model: keras.Model) -> None:
        """Set the pretrained weights in a graph that this is part of.

        Raises:
            errors.ConfigError: where there are none, or they are of another network.
        """
        config = transformer_config.read(self.backbone)
        transformer_weights.load(model, config, self.backbone)


def build(backbone: str, *, pairs: bool = False) -> Encoder:
    """Return the network of a value of `--backbone`.

    Args:
        backbone: a name, or the path of a folder.
        pairs: whether it reads pairs of texts.

    Raises:
        errors.ConfigError: where it cannot be had or built.
    """
    config = transformer_config.read(backbone)
    graph = _GRAPHS[transformer_config.FAMILIES[config.family].graph]
    token_ids = keras.Input([None], dtype="int32", name="token_ids")
    mask = keras.Input([None], dtype="int32", name="mask")
    token_types = None
    if pairs and config.tells_texts_apart:
        token_types = keras.Input([None], dtype="int32", name="token_types")
    return Encoder(
        backbone=backbone,
        token_ids=token_ids,
        mask=mask,
        token_types=token_types,
        states=graph.build(config, token_ids, mask, token_types),
        blocks=text_backbone.layer_blocks(config.num_hidden_layers),
        anchors=layer_parts.cut_anchors(config, graph.BLOCK_END),
        is_decoder=config.is_decoder,
    )
