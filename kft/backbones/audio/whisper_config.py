"""The sizes of a Whisper, and the folders it may lie in. No TensorFlow here."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kft import errors
from kft.config.stages import Blocks
from kft.data import hub_json

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Of what a run keeps of its backbone.
_KEPT = "whisper.json"
# Of the mel scale, in all but large-v3.
BANDS = 80
_ENGLISH_VOCABULARY = 51_864
# What config.json of Hugging Face calls them.
_KEYS = {
    "width": "d_model",
    "encoder_layers": "encoder_layers",
    "encoder_heads": "encoder_attention_heads",
    "decoder_layers": "decoder_layers",
    "decoder_heads": "decoder_attention_heads",
    "vocabulary": "vocab_size",
    "positions": "max_target_positions",
}
_INNER = ("encoder_ffn_dim", "decoder_ffn_dim")


@dataclasses.dataclass(frozen=True)
class WhisperSizes:
    """How large an encoder is; the default is that of tiny.

    Attributes:
        width: features of a step; a multiple of `heads`.
        layers: transformer layers, each a block.
        heads: of the attention.
    """

    width: int = 384
    layers: int = 4
    heads: int = 6

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; the convolutions are below the first block."""
        return _blocks("layer", self.layers)


@dataclasses.dataclass(frozen=True)
class DecoderSizes:
    """How large a decoder is.

    Attributes:
        width: features of a token; a multiple of `heads`.
        layers: transformer layers, each a block.
        heads: of the attention.
        vocabulary: number of tokens.
        positions: most tokens of a text, with those before it.
    """

    width: int
    layers: int
    heads: int
    vocabulary: int
    positions: int

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut."""
        return _blocks("decoder", self.layers)


def _blocks(name: str, count: int) -> Blocks:
    return Blocks(tuple(f"{name}_{number}" for number in range(1, count + 1)))


@dataclasses.dataclass(frozen=True)
class WhisperConfig:
    """How large a Whisper is; the default is tiny.en.

    Attributes:
        width: features of a step, and of a token; a multiple of the heads.
        encoder_layers: each of them a block.
        encoder_heads: of its attention.
        decoder_layers: each of them a block.
        decoder_heads: of its attention.
        vocabulary: number of tokens.
        positions: most tokens of a text, with those before it.
    """

    width: int = 384
    encoder_layers: int = 4
    encoder_heads: int = 6
    decoder_layers: int = 4
    decoder_heads: int = 6
    vocabulary: int = _ENGLISH_VOCABULARY
    positions: int = 448

    @property
    def encoder(self) -> WhisperSizes:
        """Return the sizes of its encoder."""
        return WhisperSizes(self.width, self.encoder_layers, self.encoder_heads)

    @property
    def decoder(self) -> DecoderSizes:
        """Return the sizes of its decoder."""
        return DecoderSizes(
            width=self.width,
            layers=self.decoder_layers,
            heads=self.decoder_heads,
            vocabulary=self.vocabulary,
            positions=self.positions,
        )

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; the convolutions are below the first block."""
        of_encoder = _blocks("encoder", self.encoder_layers)
        return Blocks((*of_encoder.names, *self.decoder.blocks.names))

    @property
    def parameters(self) -> int:
        """Return how many it has, without the head: last norm and projection."""
        width, square = self.width, self.width**2
        dense = 8 * square + 5 * width
        # The keys of the encoder have a bias, which is zero.
        encoder = 4 * square + 4 * width + dense + 4 * width
        decoder = 2 * (4 * square + 3 * width) + dense + 6 * width
        convolutions = 3 * BANDS * width + 3 * square + 2 * width
        return (
            convolutions
            + self.encoder_layers * encoder
            + 2 * width
            + (self.vocabulary + self.positions) * width
            + self.decoder_layers * decoder
        )

    @property
    def is_multilingual(self) -> bool:
        """Return whether it writes many languages, as Whisper's model.py tells it."""
        return self.vocabulary > _ENGLISH_VOCABULARY

    @property
    def most_tokens(self) -> int:
        """Return how many a text may have, with the one that ends it.

        The other half of the positions is for what was said before, in Whisper.
        """
        return self.positions // 2


def kept_file(config: WhisperConfig) -> dict[str, bytes]:
    """Return what a run keeps of the sizes, by the name of the file."""
    return {_KEPT: json.dumps(dataclasses.asdict(config)).encode()}


def read_kept(folder: Path) -> WhisperConfig | None:
    """Return the sizes that a run has kept, None where it has kept none.

    Raises:
        errors.RunDirError: where they cannot be read.
    """
    path = folder / _KEPT
    if not path.is_file():
        return None
    try:
        return WhisperConfig(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise errors.RunDirError(
            f"{path} cannot be read ({error}): copy the whole run folder again, or "
            "train again in another one."
        ) from error


def read(folder: Path, flag: str) -> WhisperConfig:
    """Return the sizes of a folder as Hugging Face lays it out.

    Args:
        folder: has config.json.
        flag: what names it, for messages.

    Raises:
        errors.ConfigError: where it is no Whisper that can be built here.
    """
    values = hub_json.read(folder / CONFIG, flag)
    if values.get("model_type") != "whisper":
        raise errors.ConfigError(
            f"{flag}: expected whisper as model_type in {CONFIG}, received "
            f"{values.get('model_type')!r}."
        )
    known = dict.fromkeys(_INNER, 4 * values.get("d_model", 0))
    known |= {"num_mel_bins": BANDS, "activation_function": "gelu"}
    for key, value in known.items():
        if values.get(key, value) != value:
            raise errors.ConfigError(
                f"{flag}: expected {key} {value!r} in {CONFIG}, received "
                f"{values[key]!r}, which kft does not build."
            )
    found = WhisperConfig(
        **{name: _count(values, key, flag) for name, key in _KEYS.items()}
    )
    for heads in (found.encoder_heads, found.decoder_heads):
        if found.width % heads:
            raise errors.ConfigError(
                f"{flag}: expected d_model to be a multiple of the attention heads in "
                f"{CONFIG}, received {found.width} and {heads}."
            )
    return found


def _count(values: Mapping[str, Any], key: str, flag: str) -> int:
    """Return a number of the file that is at least 1."""
    value = values.get(key)
    if not isinstance(value, int) or value < 1:
        raise errors.ConfigError(
            f"{flag}: expected a count as {key} in {CONFIG}, received {value!r}."
        )
    return value
