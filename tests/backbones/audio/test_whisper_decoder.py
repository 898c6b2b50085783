"""Whisper's decoder against an independent forward pass in NumPy."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.special

from kft import errors
from kft.backbones.audio import whisper_config, whisper_folder, whisper_weights
from kft.backbones.audio.token_writer import TokenWriter, WritingRules
from kft.backbones.audio.whisper_config import WhisperConfig
from kft.backbones.audio.whisper_decoder import (
    NORM,
    START,
    DecoderLayers,
    DecoderSizes,
    cut_anchors,
)
from kft.model import split

tiny_whisper = pytest.importorskip("tests.tiny_whisper", reason="needs the extra text")

SIZES = DecoderSizes(
    width=tiny_whisper.WIDTH,
    layers=tiny_whisper.LAYERS,
    heads=tiny_whisper.HEADS,
    vocabulary=tiny_whisper.VOCABULARY,
    positions=tiny_whisper.POSITIONS,
)
RULES = WritingRules(
    begin=(tiny_whisper.START, tiny_whisper.NO_TIMES),
    end=tiny_whisper.END,
    suppressed=(tiny_whisper.SUPPRESSED, *range(tiny_whisper.START, SIZES.vocabulary)),
    suppressed_first=(tiny_whisper.SUPPRESSED_FIRST, tiny_whisper.END),
    most=12,
)
STEPS = 9


def _logits(
    stored: dict[str, np.ndarray], tokens: np.ndarray, heard: np.ndarray
) -> np.ndarray:
    """Return logits [tokens, vocabulary] by the names of Hugging Face."""
    stored = {name.removeprefix("model.decoder."): one for name, one in stored.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ stored[f"{name}.weight"].T + stored.get(f"{name}.bias", 0.0)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return scaled * stored[f"{name}.weight"] + stored[f"{name}.bias"]

    def attention(
        x: np.ndarray, steps: np.ndarray, name: str, *, causal: bool
    ) -> np.ndarray:
        def heads(y: np.ndarray) -> np.ndarray:
            return y.reshape(len(y), SIZES.heads, -1).transpose(1, 0, 2)

        queries = heads(dense(x, f"{name}.q_proj"))
        keys = heads(dense(steps, f"{name}.k_proj"))
        values = heads(dense(steps, f"{name}.v_proj"))
        scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(queries.shape[-1])
        if causal:
            scores[:, *np.triu_indices(len(x), 1)] = -np.inf
        mixed = scipy.special.softmax(scores, axis=-1) @ values
        return dense(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{name}.out_proj")

    x = stored["embed_tokens.weight"][tokens]
    x = x + stored["embed_positions.weight"][: len(tokens)]
    for layer in range(SIZES.layers):
        place = f"layers.{layer}"
        y = norm(x, f"{place}.self_attn_layer_norm")
        x = x + attention(y, y, f"{place}.self_attn", causal=True)
        y = norm(x, f"{place}.encoder_attn_layer_norm")
        x = x + attention(y, heard, f"{place}.encoder_attn", causal=False)
        inner = dense(norm(x, f"{place}.final_layer_norm"), f"{place}.fc1")
        inner = inner * 0.5 * (1 + scipy.special.erf(inner / math.sqrt(2)))
        x = x + dense(inner, f"{place}.fc2")
    return norm(x, "layer_norm") @ stored["embed_tokens.weight"].T


def _written(stored: dict[str, np.ndarray], heard: np.ndarray) -> list[int]:
    """Return the tokens that greedy decoding writes, all of it anew each time."""
    written: list[int] = []
    while len(written) < RULES.most:
        logits = _logits(stored, np.array([*RULES.begin, *written]), heard)[-1]
        logits[list(RULES.suppressed)] = -np.inf
        if not written:
            logits[list(RULES.suppressed_first)] = -np.inf
        written.append(int(logits.argmax()))
        if written[-1] == RULES.end:
            break
    return written + [RULES.end] * (RULES.most - len(written))


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    return tiny_whisper.weights(0)


@pytest.fixture(scope="module")
def model(
    stored: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> keras.Model:
    """Return the decoder, of which a random sound is the second input."""
    folder = tiny_whisper.write(tmp_path_factory.mktemp("whisper") / "tiny")
    tokens = keras.Input([None], dtype="int32", name="tokens")
    mask = keras.Input([None], dtype="int32", name="mask")
    heard = keras.Input([STEPS, SIZES.width], name="heard")
    layers = DecoderLayers.of_sizes(SIZES)
    states, sound = layers.build(tokens, heard)
    writer = TokenWriter(layers, RULES, vocabulary=SIZES.vocabulary)
    model = keras.Model([tokens, mask, heard], writer(states, tokens, mask, sound))
    config = whisper_config.read(folder, "--backbone=tiny")
    by_name = whisper_folder.read(folder, config, "--backbone=tiny")
    whisper_weights.assign_decoder(model, by_name, SIZES)
    return model


def _batch(lengths: list[int], steps: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, tiny_whisper.BYTES, [len(lengths), steps]).astype(np.int32)
    mask = (np.arange(steps) < np.array(lengths)[:, None]).astype(np.int32)
    tokens[:, :2] = RULES.begin
    heard = rng.normal(size=[len(lengths), STEPS, SIZES.width]).astype(np.float32)
    return [tokens, mask, heard]


def test_given_tokens_are_as_likely_as_numpy_says(model, stored) -> None:
    tokens, mask, heard = _batch([7, 5, 2], 8)
    found = model([tokens, mask, heard], training=True).numpy()
    for row, length in enumerate(mask.sum(axis=1)):
        logits = _logits(stored, tokens[row, :length], heard[row])[1:-1]
        given = tokens[row, 2:length]
        logs = scipy.special.log_softmax(logits, axis=-1)
        nats = -logs[np.arange(len(given)), given].sum()
        assert found[row, 0] == pytest.approx(nats, abs=1e-3)
        likeliest = [*logits.argmax(axis=-1)]
        rest = [RULES.end] * (RULES.most - len(likeliest))
        assert found[row, 1:].tolist() == likeliest + rest


def test_what_is_written_is_what_numpy_writes(model, stored) -> None:
    tokens, mask, heard = _batch([2] * 24, 2)
    expected = [_written(stored, one) for one in heard]
    lengths = {one.index(RULES.end) if RULES.end in one else 99 for one in expected}
    # Some end early, and wait for others.
    assert len(lengths) > 2
    found = model([tokens, mask, heard]).numpy()
    assert found[:, 1:].tolist() == expected


def test_the_given_text_does_not_change_what_is_written(model) -> None:
    tokens, mask, heard = _batch([8, 6], 8)
    found = model([tokens, mask, heard]).numpy()
    none = model([tokens[:, :2], mask[:, :2], heard]).numpy()
    np.testing.assert_array_equal(found[:, 1:], none[:, 1:])
    assert found[:, 0].min() > 1
    assert not none[:, 0].any()


def test_what_fills_up_a_text_changes_nothing(model) -> None:
    tokens, mask, heard = _batch([7, 5], 7)
    found = model([tokens, mask, heard], training=True).numpy()
    tokens[mask == 0] = 11
    longer = [np.pad(one, [(0, 0), (0, 6)]) for one in (tokens, mask)]
    again = model([*longer, heard], training=True).numpy()
    np.testing.assert_allclose(found, again, atol=1e-4)


def test_every_block_can_be_cut(model) -> None:
    inputs = _batch([7, 5], 7)
    whole = model(inputs).numpy()
    named = dict(zip(("tokens", "mask", "heard"), inputs, strict=True))
    for anchor in (*cut_anchors(SIZES).values(), SIZES.blocks.names[-1]):
        halves = split.split_at(model, anchor)
        features = split.FrozenTrunk(halves.trunk)(named)
        # What a tail reads has the sound, for it writes.
        assert [STEPS, SIZES.width] in [list(one.shape[1:]) for one in features]
        np.testing.assert_allclose(halves.tail(features).numpy(), whole, atol=1e-4)


def test_the_writer_has_no_weights_but_its_projection(model) -> None:
    (writer,) = (one for one in model.layers if isinstance(one, TokenWriter))
    assert [one.name for one in writer.weights] == ["kernel"]
    embeddings, _ = model.get_layer(START).get_weights()
    np.testing.assert_array_equal(writer.get_weights()[0], embeddings.T)
    assert len(model.get_layer(NORM).weights) == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_type": "bert"}, "expected whisper as model_type .* received 'bert'"),
        ({"num_mel_bins": 128}, "expected num_mel_bins 80 in .* received 128"),
        ({"decoder_ffn_dim": 5}, "expected decoder_ffn_dim 96 .* received 5"),
        ({"vocab_size": None}, "expected a count as vocab_size .* received None"),
        ({"decoder_attention_heads": 5}, "expected d_model to be a multiple"),
    ],
    ids=str,
)
def test_a_folder_that_is_no_such_network_is_told(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    content = {**tiny_whisper.config(), **changes}
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(errors.ConfigError, match=told):
        whisper_config.read(tmp_path, "--backbone=mine")


def test_weights_that_are_missing_are_told(tmp_path: Path) -> None:
    folder = tiny_whisper.write(tmp_path / "tiny")
    config = whisper_config.read(folder, "--backbone=tiny")
    with pytest.raises(errors.ConfigError, match=r"expected .*layers\.2.* missing"):
        more = WhisperConfig(**{**vars(config), "decoder_layers": 3})
        whisper_folder.read(folder, more, "--backbone=tiny")
    (folder / "model.safetensors").write_bytes(b"words")
    with pytest.raises(errors.ConfigError, match="cannot be read"):
        whisper_folder.read(folder, config, "--backbone=tiny")


def test_a_run_keeps_the_sizes(tmp_path: Path) -> None:
    assert whisper_config.read_kept(tmp_path) is None
    config = WhisperConfig(width=48)
    for name, content in whisper_config.kept_file(config).items():
        (tmp_path / name).write_bytes(content)
    assert whisper_config.read_kept(tmp_path) == config
