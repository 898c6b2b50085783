import json
from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.backbones import gelu
from kft.backbones.text import transformer_config
from kft.config import TextClassificationConfig
from kft.model import freeze, split
from kft.model.network import Network
from kft.tasks.text_classification import text_network
from tests import tiny_bert

pytest.importorskip("safetensors", reason="needs the extra text")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def network(folder: Path) -> Network:
    return _network(folder)


def _network(folder: Path, **options: str) -> Network:
    config = TextClassificationConfig(backbone=str(folder), **options)
    return text_network.build(config, num_classes=2, weights="pretrained")


def _inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    lengths = np.array([9, 4, 2])
    mask = (np.arange(9) < lengths[:, None]).astype(np.int32)
    ids = rng.integers(4, len(tiny_bert.WORDS), mask.shape).astype(np.int32)
    return {"token_ids": ids * mask, "mask": mask}


def _states(network: Network, inputs: dict[str, np.ndarray]) -> np.ndarray:
    trunk = split.split_at(network.model, "layer_3_norm").trunk
    return np.asarray(split.FrozenTrunk(trunk)(inputs)[0])


def test_the_graph_computes_what_numpy_does(network: Network) -> None:
    inputs = _inputs()
    expected = tiny_bert.forward(
        tiny_bert.tensors(), inputs["token_ids"], inputs["mask"]
    )
    is_token = inputs["mask"] > 0
    found = _states(network, inputs)
    np.testing.assert_allclose(found[is_token], expected[is_token], atol=1e-5)
    # It could fail: without the mask, tokens are others.
    no_mask = np.ones_like(inputs["mask"])
    others = tiny_bert.forward(tiny_bert.tensors(), inputs["token_ids"], no_mask)
    assert np.abs(found - others)[is_token].max() > 1e-2


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_pooling_is_over_tokens_alone(folder: Path, pooling: str) -> None:
    inputs = _inputs()
    network = _network(folder, pooling=pooling)
    trunk = split.split_at(network.model, network.head_anchor).trunk
    found = np.asarray(split.FrozenTrunk(trunk)(inputs)[0])
    states = tiny_bert.forward(tiny_bert.tensors(), inputs["token_ids"], inputs["mask"])
    for row, length in enumerate(inputs["mask"].sum(axis=1)):
        real = states[row, :length]
        expected = {"mean": real.mean(0), "first": real[0], "max": real.max(0)}
        np.testing.assert_allclose(found[row], expected[pooling], atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_what_stands_in_the_padding_reaches_no_result(
    folder: Path, pooling: str
) -> None:
    inputs = _inputs()
    network = _network(folder, pooling=pooling)
    garbage = np.where(inputs["mask"] > 0, inputs["token_ids"], 7)
    longer = {
        "token_ids": np.pad(garbage, [(0, 0), (0, 5)], constant_values=5),
        "mask": np.pad(inputs["mask"], [(0, 0), (0, 5)]),
    }
    expected = network.model(inputs, training=False)
    same_length = {**inputs, "token_ids": garbage}
    np.testing.assert_array_equal(network.model(same_length), expected)
    # The head is random, and sums of other lengths are rounded otherwise.
    np.testing.assert_allclose(network.model(longer), expected, atol=1e-5)


@pytest.mark.parametrize("depth", range(4))
def test_trunk_and_tail_are_the_whole_at_every_cut(
    network: Network, depth: int
) -> None:
    inputs = _inputs()
    anchor = network.anchor(depth)
    halves = split.split_at(network.model, anchor)
    stored = split.FrozenTrunk(halves.trunk)(inputs)
    assert len(stored) == (1 if depth == 0 else 2)
    np.testing.assert_array_equal(
        halves.tail(stored, training=False), network.model(inputs, training=False)
    )


@pytest.mark.parametrize(("depth", "layers"), [(0, 0), (1, 1), (3, 3), (4, 3)], ids=str)
def test_a_stage_trains_its_layers_alone(
    network: Network, depth: int, layers: int
) -> None:
    width, inner = 24, 40
    # Keys have no bias.
    a_layer = 4 * width * width + 3 * width + 2 * width * inner + inner + 5 * width
    embeddings = (len(tiny_bert.WORDS) + 48 + 2 + 2) * width
    expected = 2 * width + 2 + layers * a_layer + (embeddings if depth == 4 else 0)
    assert freeze.count_trainable(network, depth, batch_norm="frozen") == expected


def test_dropout_is_that_of_the_config_in_trained_layers_alone(
    network: Network,
) -> None:
    inputs = _inputs()
    halves = split.split_at(network.model, network.anchor(1))
    trunk = split.FrozenTrunk(halves.trunk)
    once, again = trunk(inputs), trunk(inputs)
    np.testing.assert_array_equal(once[0], again[0])
    trained = [halves.tail(once, training=True) for _ in range(2)]
    assert np.abs(trained[0] - trained[1]).max() > 1e-4


def test_gelu_is_the_exact_one() -> None:
    values = np.array([-2.0, -1.0, 0.0, 0.5, 3.0], np.float32)
    # Of a table of the normal distribution.
    expected = values * np.array([0.0227501, 0.1586553, 0.5, 0.6914625, 0.9986501])
    np.testing.assert_allclose(gelu.ExactGelu()(values), expected, atol=1e-6)


def _old_names(name: str) -> str:
    name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
    return f"bert.{name.replace('LayerNorm.bias', 'LayerNorm.beta')}"


def test_other_spellings_of_the_same_weights_are_read(
    network: Network, tmp_path: Path
) -> None:
    renamed = {_old_names(name): value for name, value in tiny_bert.tensors().items()}
    halves = {name: value.astype(np.float16) for name, value in renamed.items()}
    other = _network(tiny_bert.write(tmp_path / "old", weights=renamed))
    np.testing.assert_array_equal(
        _states(other, _inputs()), _states(network, _inputs())
    )
    rounded = _network(tiny_bert.write(tmp_path / "half", weights=halves))
    np.testing.assert_allclose(
        _states(rounded, _inputs()), _states(network, _inputs()), atol=2e-2
    )


def test_weights_that_are_missing_or_of_another_shape_are_named(
    tmp_path: Path,
) -> None:
    weights = tiny_bert.tensors()
    query = "encoder.layer.1.attention.self.query.weight"
    missing = {name: value for name, value in weights.items() if name != query}
    with pytest.raises(errors.ConfigError, match=f"expected {query}"):
        _network(tiny_bert.write(tmp_path / "missing", weights=missing))
    narrow = {**weights, query: weights[query][:, :5].copy()}
    with pytest.raises(errors.ConfigError, match=r"\(24, 24\).*received \(5, 24\)"):
        _network(tiny_bert.write(tmp_path / "narrow", weights=narrow))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "t5"}, "expected as model_type .* received 't5'"),
        ({"hidden_act": "relu"}, "expected hidden_act 'gelu'.*received 'relu'"),
        ({"hidden_size": "24"}, "expected a count as hidden_size"),
        ({"layer_norm_eps": -1}, "layer_norm_eps"),
        ({"num_attention_heads": 5}, "divide hidden_size.* received 5, 24 and 5"),
    ],
    ids=str,
)
def test_a_config_that_cannot_be_built_is_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        transformer_config.parse({**tiny_bert.CONFIG, **change}, "here")


def test_a_config_that_is_no_json_is_a_mistake_not_a_crash(tmp_path: Path) -> None:
    for content in ("{", json.dumps([1])):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(errors.ConfigError, match=r"config\.json"):
            transformer_config.read.__wrapped__(str(tmp_path))
    (tmp_path / "config.json").unlink()
    with pytest.raises(errors.ConfigError, match=r"config\.json"):
        transformer_config.read.__wrapped__(str(tmp_path))
