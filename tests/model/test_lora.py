"""LoRA on a small network: what it trains, and that merging it changes no answer."""

import keras
import numpy as np
import pytest

from kft import errors
from kft.config import stages
from kft.model import freeze, lora, weights_file
from kft.model.network import Network, stable_paths

TOKENS = np.arange(20).reshape(4, 5)
UPPER = 1
ALL = 3


def network() -> Network:
    """Return embedding -> attention -> dense -> mean -> logits."""
    keras.utils.set_random_seed(0)
    tokens = keras.Input([5], dtype="int32")
    x = keras.layers.Embedding(20, 16, name="stem")(tokens)
    attention = keras.layers.MultiHeadAttention(2, 8, dropout=0.1, name="attention")
    x = attention(x, x)
    x = keras.layers.Dense(32, activation="relu", name="wide")(x)
    x = keras.layers.LayerNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pooling")(x)
    model = keras.Model(tokens, keras.layers.Dense(8, name="logits")(x))
    return Network(
        model=model,
        blocks=stages.Blocks(("block_1", "block_2")),
        anchors={"block_1": "stem", "block_2": "attention"},
        head_anchor="pooling",
    )


def adapted(depth: int = ALL, rank: int = 2) -> Network:
    """Return it with factors that have an effect."""
    made = network()
    lora.add(made, depth, rank=rank)
    rng = np.random.default_rng(0)
    for factor in lora.factors(made.model):
        factor.assign(rng.normal(0, 0.3, factor.shape))
    return made


def outputs(made: Network) -> np.ndarray:
    return np.asarray(made.model(TOKENS, training=False))


def names(made: Network, variables) -> set[str]:
    by_id = {id(v): path for path, v in stable_paths(made.model).items()}
    return {by_id[id(v)] for v in variables}


def test_factors_change_nothing_before_they_train():
    made = network()
    before = outputs(made)
    lora.add(made, ALL, rank=2)
    np.testing.assert_array_equal(outputs(made), before)


def test_it_says_what_trains_in_place_of_what():
    made = network()
    added = lora.add(made, ALL, rank=2)
    # Embeddings, queries, keys, values, their output, and the dense layer.
    assert added.matrices == 6
    assert added.replaced == 20 * 16 + 4 * 16 * 16 + 16 * 32
    fixed = lora.matrices(made.model)
    assert added.replaced == sum(v.numpy().size for v in fixed)
    assert added.trained == sum(v.numpy().size for v in lora.factors(made.model))
    assert "6 matrices" in str(added)


@pytest.mark.parametrize("depth", [UPPER, 2, ALL])
def test_only_unfrozen_blocks_have_factors_and_the_head_has_none(depth):
    made = network()
    lora.add(made, depth, rank=2)
    layers = {path.split("/")[0] for path in names(made, lora.factors(made.model))}
    assert layers == {"wide", *("attention", "stem")[: depth - 1]}


def test_a_stage_trains_factors_and_whatever_is_no_matrix():
    made = adapted()
    # Thawing a layer that was frozen thaws its matrix as well.
    freeze.prepare_stage(made, 0, batch_norm="frozen")
    parts = freeze.prepare_stage(made, UPPER, batch_norm="frozen")
    trained = {
        "wide/1/bias",
        "wide/2/lora_kernel_a",
        "wide/3/lora_kernel_b",
        "norm/0/gamma",
        "norm/1/beta",
        "logits/0/kernel",
        "logits/1/bias",
    }
    assert names(made, parts.trainable) == trained == parts.movable
    assert set(parts.distances) == {0, 1}


def test_the_proof_names_a_matrix_that_moved():
    made = adapted()
    parts = freeze.prepare_stage(made, ALL, batch_norm="frozen")
    before = freeze.digests(made.model)
    kernel = lora.matrices(made.model)[-1]
    kernel.assign(kernel * 2)
    with pytest.raises(freeze.FreezingError, match="stage: wide/0/kernel"):
        freeze.prove_frozen(before, freeze.digests(made.model), parts.movable)


@pytest.mark.parametrize("depth", range(4))
def test_counted_parameters_are_those_that_train(depth):
    made = adapted()
    counted = freeze.count_trainable(made, depth, batch_norm="frozen")
    parts = freeze.prepare_stage(made, depth, batch_norm="frozen")
    assert counted == sum(v.numpy().size for v in parts.trainable)


def test_the_names_of_other_variables_stay():
    plain = stable_paths(network().model)
    made = adapted()
    with_factors = stable_paths(made.model)
    assert plain.keys() == with_factors.keys() - names(made, lora.factors(made.model))


def test_merging_changes_no_output_and_is_undone():
    made = adapted()
    before, answers = freeze.digests(made.model), outputs(made)
    call = keras.ops.convert_to_numpy
    with lora.merged(made.model):
        assert freeze.digests(made.model) != before
        np.testing.assert_allclose(outputs(made), answers, atol=1e-6)
        assert np.abs(call(outputs(network())) - answers).max() > 1e-2
    assert freeze.digests(made.model) == before
    np.testing.assert_array_equal(outputs(made), answers)


def test_what_was_traced_before_gives_the_same_while_merged():
    made = adapted()
    answers = made.model.predict(TOKENS, verbose=0)
    with lora.merged(made.model):
        found = made.model.predict(TOKENS, verbose=0)
    np.testing.assert_allclose(found, answers, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_file_has_the_sums_and_nothing_rounded(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        made, plain = adapted(), network()
        with lora.merged(made.model):
            content = weights_file.to_bytes(made.model)
            merged = [np.array(v) for v in _weights_without_factors(made, plain)]
        (tmp_path / "a.weights.h5").write_bytes(content)
        plain.model.load_weights(tmp_path / "a.weights.h5")
    finally:
        keras.config.set_dtype_policy("float32")
    for weight, value in zip(plain.model.weights, merged, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    tolerance = 1e-6 if policy == "float32" else 3e-2
    np.testing.assert_allclose(outputs(plain), outputs(made), atol=tolerance)


def _weights_without_factors(made: Network, plain: Network) -> list[keras.Variable]:
    by_path, wanted = stable_paths(made.model), stable_paths(plain.model)
    order = {id(v): path for path, v in wanted.items()}
    return [by_path[order[id(weight)]] for weight in plain.model.weights]


def test_a_matrix_that_is_smaller_than_its_factors_trains_itself():
    made = network()
    # 10 (20 + 16) > 20 * 16, but 10 (16 + 32) < 16 * 32.
    added = lora.add(made, ALL, rank=10)
    assert {path.split("/")[0] for path in names(made, lora.matrices(made.model))} == {
        "wide"
    }
    assert added.trained == 10 * (16 + 32)
    parts = freeze.prepare_stage(made, ALL, batch_norm="frozen")
    assert "stem/0/embeddings" in names(made, parts.trainable)


def test_a_rank_that_is_too_large_is_refused_with_the_largest():
    with pytest.raises(errors.ConfigError, match="can have is 10"):
        lora.add(network(), ALL, rank=11)
    assert lora.add(network(), ALL, rank=10).rank == 10


def test_blocks_without_matrices_are_refused():
    inputs = keras.Input([8, 8, 3])
    x = keras.layers.Conv2D(4, 3, name="stem")(inputs)
    x = keras.layers.Conv2D(4, 3, name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    made = Network(
        model=keras.Model(inputs, keras.layers.Dense(2, name="logits")(x)),
        blocks=stages.Blocks(("block_1",)),
        anchors={"block_1": "stem"},
        head_anchor="pooling",
    )
    with pytest.raises(errors.ConfigError, match="there is none, so leave --lora_rank"):
        lora.add(made, 2, rank=1)
