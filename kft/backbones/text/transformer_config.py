"""The facts of a transformer that its config.json states. No TensorFlow here."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.backbones.text import text_backbone

_GELU, _TANH_GELU, _SILU = "gelu", "gelu_tanh", "silu"


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """The sizes of a transformer, under the names that Hugging Face has for BERT.

    Attributes:
        family: key of `FAMILIES`.
        vocab_size: tokens that it knows.
        hidden_size: features of a token.
        num_hidden_layers: transformer layers.
        num_attention_heads: of each layer; a divisor of `hidden_size`.
        intermediate_size: features within the feed-forward part of a layer.
        max_position_embeddings: most tokens of an input.
        type_vocab_size: kinds of text that an input can have one after the other; 0
            where there are none.
        embedding_size: features of a token in the table of tokens.
        position_offset: row of the table of positions that the first token has.
        key_value_heads: of each layer; a divisor of `num_attention_heads`.
        rope_theta: base of the angles that positions are rotated by; 0 where positions
            have a table.
        layer_norm_eps: what is added to a variance.
        activation: gelu, gelu_tanh (its approximation) or silu.
        hidden_dropout_prob: share of features dropped in trained layers, in [0, 1).
        attention_probs_dropout_prob: likewise of attention.
    """

    family: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 0
    embedding_size: int = 0
    position_offset: int = 0
    key_value_heads: int = 0
    rope_theta: float = 0.0
    layer_norm_eps: float = 1e-12
    activation: str = _GELU
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1

    @property
    def is_decoder(self) -> bool:
        """Return whether a token sees those before it alone."""
        return FAMILIES[self.family].is_decoder

    @property
    def tells_texts_apart(self) -> bool:
        """Return whether it reads which text of a pair a token is of."""
        return self.type_vocab_size > 1


@dataclasses.dataclass(frozen=True)
class TextFamily:
    """How the config.json of one kind of network is read.

    Attributes:
        keys: name in `TransformerConfig` -> key in the file, where it is another one.
        only: key -> values that can be built; the first stands where there is none.
        settings: names in `TransformerConfig` that the kind decides.
        is_decoder: whether a token sees those before it alone.
        graph: how its layers are put together: bert, gpt2 or llama.
        prefix: of the names of weights, where it is part of another model.
    """

    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)
    only: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_decoder: bool = False
    graph: str = "bert"
    prefix: str = "bert."


_EXACT = {"hidden_act": ("gelu",), "position_embedding_type": ("absolute",)}
_ROBERTA = TextFamily(only=_EXACT, settings={"position_offset": 2}, prefix="roberta.")
FAMILIES: dict[str, TextFamily] = {
    "bert": TextFamily(only=_EXACT),
    "distilbert": TextFamily(
        keys={
            "hidden_size": "dim",
            "num_hidden_layers": "n_layers",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "hidden_dropout_prob": "dropout",
            "attention_probs_dropout_prob": "attention_dropout",
        },
        only={"activation": ("gelu",)},
        prefix="distilbert.",
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "albert": TextFamily(
        only={
            "hidden_act": ("gelu_new", "gelu"),
            "num_hidden_groups": (1,),
            "inner_group_num": (1,),
            "position_embedding_type": ("absolute",),
        },
        prefix="albert.",
    ),
    "gpt2": TextFamily(
        keys={
            "hidden_size": "n_embd",
            "num_hidden_layers": "n_layer",
            "num_attention_heads": "n_head",
            "intermediate_size": "n_inner",
            "max_position_embeddings": "n_positions",
            "layer_norm_eps": "layer_norm_epsilon",
            "hidden_dropout_prob": "resid_pdrop",
            "attention_probs_dropout_prob": "attn_pdrop",
        },
        only={
            "activation_function": ("gelu_new", "gelu"),
            "scale_attn_by_inverse_layer_idx": (False,),
            "reorder_and_upcast_attn": (False,),
        },
        settings={"layer_norm_eps": 1e-5},
        is_decoder=True,
        graph="gpt2",
        prefix="transformer.",
    ),
    "llama": TextFamily(
        keys={
            "key_value_heads": "num_key_value_heads",
            "layer_norm_eps": "rms_norm_eps",
            "attention_probs_dropout_prob": "attention_dropout",
        },
        only={
            "hidden_act": ("silu",),
            "attention_bias": (False,),
            "mlp_bias": (False,),
            "rope_scaling": (None,),
            "rope_type": ("default",),
        },
        settings={
            "layer_norm_eps": 1e-6,
            "rope_theta": 10_000.0,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "activation": _SILU,
        },
        is_decoder=True,
        graph="llama",
        prefix="model.",
    ),
}
_ACTIVATIONS = {"gelu": _GELU, "gelu_new": _TANH_GELU}
_ACTIVATION_KEYS = ("hidden_act", "activation_function")


@functools.cache
def read(backbone: str) -> TransformerConfig:
    """Return the config of a value of `--backbone`.

    Raises:
        errors.ConfigError: where it is no network that can be built here.
    """
    return parse(text_backbone.read_config(backbone), backbone)


def parse(values: Mapping[str, Any], backbone: str) -> TransformerConfig:
    """Return what a config.json says.

    Args:
        values: content of the file.
        backbone: value of `--backbone`, for messages.

    Raises:
        errors.ConfigError: see `read`.
    """
    flag, name = f"--backbone={backbone}", values.get("model_type")
    if name not in FAMILIES:
        raise errors.ConfigError(
            f"{flag}: expected as model_type in {text_backbone.CONFIG} one of "
            f"{', '.join(FAMILIES)}, received {name!r}."
        )
    family = FAMILIES[name]
    # Where version 5 of transformers writes how positions are rotated.
    rotation = values.get("rope_parameters") or {}
    values = {**rotation, **values}
    for key, allowed in family.only.items():
        if values.get(key, allowed[0]) not in allowed:
            raise errors.ConfigError(
                f"{flag}: expected {key} {' or '.join(map(repr, allowed))} in "
                f"{text_backbone.CONFIG}, received {values[key]!r}, which kft does not "
                "build."
            )
    numbers = {**family.settings, **_numbers(values, family, flag)}
    for key in _ACTIVATION_KEYS:
        if key in family.only and "activation" not in family.settings:
            activation = values.get(key, family.only[key][0])
            numbers["activation"] = _ACTIVATIONS[activation]
    numbers.setdefault("embedding_size", numbers["hidden_size"])
    numbers.setdefault("key_value_heads", numbers["num_attention_heads"])
    found = TransformerConfig(family=name, **numbers)
    _check_heads(found, flag)
    if found.position_offset:
        positions = found.max_position_embeddings - found.position_offset
        found = dataclasses.replace(found, max_position_embeddings=positions)
    return found


def _numbers(
    values: Mapping[str, Any], family: TextFamily, flag: str
) -> dict[str, Any]:
    """Return the numbers of the file by their names in `TransformerConfig`."""
    words = ("family", "activation", "position_offset")
    fields = [f for f in dataclasses.fields(TransformerConfig) if f.name not in words]
    keys = {field.name: family.keys.get(field.name, field.name) for field in fields}
    found = {
        name: values[key] for name, key in keys.items() if values.get(key) is not None
    }
    if family.graph == "gpt2" and "hidden_size" in found:
        found.setdefault("intermediate_size", 4 * found["hidden_size"])
    needed = [f.name for f in fields if f.default is dataclasses.MISSING]
    missing = [keys[name] for name in needed if name not in found]
    if missing:
        raise errors.ConfigError(
            f"{flag}: these are missing from {text_backbone.CONFIG}: "
            f"{', '.join(missing)}."
        )
    for name, value in found.items():
        _check_number(name, keys[name], value, flag)
    return found


def _check_number(name: str, key: str, value: Any, flag: str) -> None:
    is_share = name.endswith(("eps", "prob"))
    is_count = not is_share and name != "rope_theta"
    types: tuple[type, ...] = (int,) if is_count else (int, float)
    legal = isinstance(value, types) and not isinstance(value, bool)
    if not legal or (not 0 <= value < 1 if is_share else value < 1):
        raise errors.ConfigError(
            f"{flag}: expected {'a number in [0, 1)' if is_share else 'a count'} as "
            f"{key} in {text_backbone.CONFIG}, received {value!r}."
        )


def _check_heads(found: TransformerConfig, flag: str) -> None:
    heads = found.num_attention_heads
    if found.hidden_size % heads or heads % found.key_value_heads:
        raise errors.ConfigError(
            f"{flag}: expected num_attention_heads in {text_backbone.CONFIG} to divide "
            "hidden_size, and to be a multiple of those of the keys, received "
            f"{heads}, {found.hidden_size} and {found.key_value_heads}."
        )
