"""The facts of a BERT network that its config.json states. No TensorFlow here."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.backbones.text import text_backbone

_MODEL_TYPE = "bert"
# Of config.json -> the only value whose graph is built here.
_FIXED = {"hidden_act": "gelu", "position_embedding_type": "absolute"}


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """The sizes of a BERT encoder, as Hugging Face calls them.

    Attributes:
        vocab_size: tokens that it knows.
        hidden_size: features of a token.
        num_hidden_layers: transformer layers.
        num_attention_heads: of each layer; a divisor of `hidden_size`.
        intermediate_size: features within the feed-forward part of a layer.
        max_position_embeddings: most tokens of an input.
        type_vocab_size: kinds of text that an input can have one after the other.
        layer_norm_eps: what is added to a variance.
        hidden_dropout_prob: share of features dropped in trained layers, in [0, 1).
        attention_probs_dropout_prob: likewise of attention.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1


@functools.cache
def read(backbone: str) -> BertConfig:
    """Return the config of a value of `--backbone`.

    Raises:
        errors.ConfigError: where it is no BERT, or not one that can be built here.
    """
    return parse(text_backbone.read_config(backbone), backbone)


def parse(values: Mapping[str, Any], backbone: str) -> BertConfig:
    """Return what a config.json says.

    Args:
        values: content of the file.
        backbone: value of `--backbone`, for messages.

    Raises:
        errors.ConfigError: see `read`.
    """
    flag = f"--backbone={backbone}"
    if values.get("model_type") != _MODEL_TYPE:
        raise errors.ConfigError(
            f"{flag}: expected the model_type {_MODEL_TYPE!r} in "
            f"{text_backbone.CONFIG}, received {values.get('model_type')!r}."
        )
    for name, expected in _FIXED.items():
        if values.get(name, expected) != expected:
            raise errors.ConfigError(
                f"{flag}: expected {name} {expected!r} in {text_backbone.CONFIG}, "
                f"received {values[name]!r}, which kft does not build."
            )
    fields = dataclasses.fields(BertConfig)
    needed = [f.name for f in fields if f.default is dataclasses.MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise errors.ConfigError(
            f"{flag}: these are missing from {text_backbone.CONFIG}: "
            f"{', '.join(missing)}."
        )
    numbers = {f.name: values[f.name] for f in fields if f.name in values}
    _check_numbers(numbers, flag)
    return BertConfig(**numbers)


def _check_numbers(numbers: Mapping[str, Any], flag: str) -> None:
    whole = ("size", "layers", "heads", "embeddings")
    for name, value in numbers.items():
        is_count = name.endswith(whole)
        types: tuple[type, ...] = (int,) if is_count else (int, float)
        legal = isinstance(value, types) and not isinstance(value, bool)
        if not legal or (value < 1 if is_count else not 0 <= value < 1):
            raise errors.ConfigError(
                f"{flag}: expected {'a count' if is_count else 'a number in [0, 1)'} "
                f"as {name} in {text_backbone.CONFIG}, received {value!r}."
            )
    if numbers["hidden_size"] % numbers["num_attention_heads"]:
        raise errors.ConfigError(
            f"{flag}: expected num_attention_heads in {text_backbone.CONFIG} to divide "
            f"hidden_size, received {numbers['num_attention_heads']} and "
            f"{numbers['hidden_size']}."
        )
