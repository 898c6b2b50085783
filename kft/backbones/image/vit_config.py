"""The sizes of a vision transformer, as config.json has them. No TensorFlow here."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.config.stages import Blocks

CONFIG = "config.json"
_CHANNELS = 3
_SWIGLU_MULTIPLE = 8


@dataclasses.dataclass(frozen=True)
class VitFamily:
    """What is alike in all networks of one `model_type`.

    Attributes:
        prefix: of the names of weights, where it is part of another model.
        special_tokens: learned tokens before the patches, the class token first.
        has_layer_scale: whether the outputs of attention and of the dense layers are
            each multiplied by learned factors (Touvron et al., arXiv 2103.17239).
        reads_patches: whether a classifier reads the mean of the patches beside the
            class token.
        eps: what is added to a variance where config.json does not say.
        ratio: of the inner features to `hidden_size`, likewise; None where it has to
            say.
    """

    prefix: str
    special_tokens: tuple[str, ...] = ("cls_token",)
    has_layer_scale: bool = False
    reads_patches: bool = False
    eps: float = 1e-12
    ratio: int | None = None


# By the model_type of config.json, with the defaults of transformers 5.24.
FAMILIES: dict[str, VitFamily] = {
    "vit": VitFamily("vit."),
    "deit": VitFamily("deit.", special_tokens=("cls_token", "distillation_token")),
    "dinov2": VitFamily(
        "dinov2.", has_layer_scale=True, reads_patches=True, eps=1e-6, ratio=4
    ),
}


@dataclasses.dataclass(frozen=True)
class VitConfig:
    """How large a vision transformer is.

    Attributes:
        family: key of `FAMILIES`.
        image_size: side of the square that its positions were learned for, in pixels.
        patch_size: side of a patch, in pixels; `image_size` is a multiple.
        hidden_size: features of a token.
        num_hidden_layers: transformer layers, each a block.
        num_attention_heads: of each layer; a divisor of `hidden_size`.
        intermediate_size: features within the dense layers of a layer.
        layer_norm_eps: what is added to a variance.
        is_gated: whether the dense layers are gated (SwiGLU; Shazeer, arXiv
            2002.05202).
        layerscale_value: what factors of layers are before any training.
        hidden_dropout_prob: share of features dropped in trained layers, in [0, 1).
        attention_probs_dropout_prob: likewise of attention.
    """

    family: str
    image_size: int
    patch_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    layer_norm_eps: float
    is_gated: bool = False
    layerscale_value: float = 1.0
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0

    @property
    def facts(self) -> VitFamily:
        """Return what all networks of its kind have alike."""
        return FAMILIES[self.family]

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; patches and positions are below the first."""
        numbers = range(1, self.num_hidden_layers + 1)
        return Blocks(tuple(f"layer_{number}" for number in numbers))

    @property
    def parameters(self) -> int:
        """Return how many it has, without a head, for images of `image_size`."""
        width, inner, facts = self.hidden_size, self.intermediate_size, self.facts
        patches = (self.image_size // self.patch_size) ** 2
        tokens = len(facts.special_tokens)
        stem = (_CHANNELS * self.patch_size**2 + 1) * width
        stem += (2 * tokens + patches) * width
        # Keys have no bias here.
        layer = 4 * width**2 + 3 * width + 4 * width
        layer += (3 if self.is_gated else 2) * width * inner + width
        layer += (2 if self.is_gated else 1) * inner
        layer += 2 * width * facts.has_layer_scale
        return stem + self.num_hidden_layers * layer + 2 * width


def parse(values: Mapping[str, Any], flag: str) -> VitConfig:
    """Return what a config.json says.

    Args:
        values: content of the file.
        flag: what names its folder, for messages.

    Raises:
        errors.ConfigError: where it is no network that can be built here.
    """
    name = values.get("model_type")
    if name not in FAMILIES:
        raise errors.ConfigError(
            f"{flag}: expected as model_type in {CONFIG} one of {', '.join(FAMILIES)}, "
            f"received {name!r}."
        )
    reader = _SizeReader(values, flag)
    reader.check_only("num_channels", _CHANNELS)
    reader.check_only("hidden_act", "gelu")
    reader.check_only("qkv_bias", True)
    reader.check_only("drop_path_rate", 0.0)
    facts = FAMILIES[name]
    width = reader.count("hidden_size")
    is_gated = reader.truth("use_swiglu_ffn", default=False)
    found = VitConfig(
        family=name,
        image_size=reader.side("image_size"),
        patch_size=reader.side("patch_size"),
        hidden_size=width,
        num_hidden_layers=reader.count("num_hidden_layers"),
        num_attention_heads=reader.count("num_attention_heads"),
        intermediate_size=_inner(reader, facts, width, is_gated=is_gated),
        layer_norm_eps=reader.share("layer_norm_eps", facts.eps),
        is_gated=is_gated,
        layerscale_value=reader.number("layerscale_value", 1.0),
        hidden_dropout_prob=reader.share("hidden_dropout_prob", 0.0),
        attention_probs_dropout_prob=reader.share("attention_probs_dropout_prob", 0.0),
    )
    reader.check_multiple("hidden_size", width, found.num_attention_heads, "heads")
    reader.check_multiple("image_size", found.image_size, found.patch_size, "a patch")
    return found


def _inner(
    reader: "_SizeReader", facts: VitFamily, width: int, *, is_gated: bool
) -> int:
    """Return the features within the dense layers of a transformer layer."""
    if facts.ratio is None:
        return reader.count("intermediate_size")
    inner = int(width * reader.number("mlp_ratio", facts.ratio))
    if not is_gated:
        return inner
    # Two thirds, rounded up, as Dinov2SwiGLUFFN of transformers 5.24 has them.
    return -(-int(inner * 2 / 3) // _SWIGLU_MULTIPLE) * _SWIGLU_MULTIPLE


class _SizeReader:
    """The values of a config.json, each checked where it is read."""

    def __init__(self, values: Mapping[str, Any], flag: str) -> None:
        self._values = values
        self._flag = flag

    def _refuse(self, expected: str, key: str) -> errors.ConfigError:
        received = repr(self._values[key]) if key in self._values else "none"
        return errors.ConfigError(
            f"{self._flag}: expected {expected} as {key} in {CONFIG}, received "
            f"{received}."
        )

    def check_only(self, key: str, known: Any) -> None:
        """Check that a value is the one that can be built, or is not there."""
        if self._values.get(key, known) != known:
            raise self._refuse(f"{known!r}, which is all that kft builds,", key)

    def check_multiple(self, key: str, value: int, part: int, of_what: str) -> None:
        """Check that a size can be divided."""
        if value % part:
            raise self._refuse(f"a multiple of {part} ({of_what})", key)

    def count(self, key: str) -> int:
        """Return a whole number of at least 1."""
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._refuse("a count", key)
        return value

    def side(self, key: str) -> int:
        """Return the side of a square, which may be given as [height, width]."""
        value = self._values.get(key)
        if isinstance(value, list) and len(value) == 2 and value[0] == value[1]:
            return _SizeReader({key: value[0]}, self._flag).count(key)
        if isinstance(value, list):
            raise self._refuse("the side of a square", key)
        return self.count(key)

    def truth(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self._refuse("true or false", key)
        return value

    def number(self, key: str, default: float) -> float:
        """Return a positive number."""
        value = self._values.get(key, default)
        legal = isinstance(value, int | float) and not isinstance(value, bool)
        if not legal or not 0 < value < 1e6:
            raise self._refuse("a positive number", key)
        return float(value)

    def share(self, key: str, default: float) -> float:
        """Return a number in [0, 1)."""
        value = self._values.get(key, default)
        legal = isinstance(value, int | float) and not isinstance(value, bool)
        if not legal or not 0 <= value < 1:
            raise self._refuse("a number in [0, 1)", key)
        return float(value)
