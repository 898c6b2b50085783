"""What a stage trains, by name; and a proof that can fail."""

import pytest

from kft.model import freeze
from kft.model.network import stable_paths
from tests import tiny


def names(network, variables) -> set[str]:
    by_id = {id(v): path for path, v in stable_paths(network.model).items()}
    return {by_id[id(v)].split("/")[0] for v in variables}


def test_the_head_stage_trains_the_head_alone():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 0, batch_norm="frozen")
    assert names(network, parts.trainable) == {"logits"}
    assert parts.distances == (0, 0)


def test_frozen_norms_are_left_out_of_unfrozen_blocks():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 2, batch_norm="frozen")
    expected = {"logits", "block_2_conv", "block_3_conv"}
    assert names(network, parts.trainable) == expected


def test_training_norms_may_move_their_statistics():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 1, batch_norm="train")
    assert "block_3_bn" in names(network, parts.trainable)
    moved = {path for path in parts.movable if path.startswith("block_3_bn")}
    assert {path.split("/")[2] for path in moved} == {
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
    }


def test_everything_trains_without_a_trunk():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 4, batch_norm="frozen")
    assert parts.trunk is None
    assert "stem" in names(network, parts.trainable)


def test_distances_grow_by_one_per_block():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 4, batch_norm="frozen")
    by_layer = dict(
        zip(
            (v.path.split("/")[0] for v in parts.trainable),
            parts.distances,
            strict=True,
        )
    )
    assert by_layer == {
        "logits": 0,
        "block_3_conv": 1,
        "block_2_conv": 2,
        "block_1_conv": 3,
        "stem": 4,
    }


def test_a_later_stage_thaws_what_an_earlier_one_froze():
    network = tiny.network()
    freeze.prepare_stage(network, 0, batch_norm="frozen")
    parts = freeze.prepare_stage(network, 3, batch_norm="train")
    assert len(names(network, parts.trainable)) == 7


@pytest.mark.parametrize("depth", range(5))
def test_counted_parameters_are_those_that_train(depth):
    network = tiny.network()
    counted = freeze.count_trainable(network, depth, batch_norm="train")
    parts = freeze.prepare_stage(network, depth, batch_norm="train")
    assert counted == sum(v.numpy().size for v in parts.trainable)


def test_seed_states_of_the_tail_may_move():
    network = tiny.network(dropout=0.5)
    parts = freeze.prepare_stage(network, 1, batch_norm="frozen")
    seeds = {path.split("/")[0] for path in parts.movable if "seed" in path}
    assert seeds == {"block_3_drop"}


def test_the_proof_names_a_frozen_variable_that_moved():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 0, batch_norm="frozen")
    before = freeze.digests(network.model)
    statistics = network.model.get_layer("block_1_bn").moving_mean
    statistics.assign(statistics + 1e-6)
    with pytest.raises(freeze.FreezingError, match="block_1_bn/2/moving_mean"):
        freeze.prove_frozen(before, freeze.digests(network.model), parts.movable)


def test_the_proof_returns_what_could_move_and_did_not():
    network = tiny.network()
    parts = freeze.prepare_stage(network, 0, batch_norm="frozen")
    before = freeze.digests(network.model)
    network.model.get_layer("logits").bias.assign([1.0, 2.0, 3.0])
    unmoved = freeze.prove_frozen(before, freeze.digests(network.model), parts.movable)
    assert unmoved == ("logits/0/kernel",)


def test_paths_do_not_depend_on_what_was_built_before():
    import keras

    def unnamed() -> keras.Model:
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(3)(inputs)
        return keras.Model(inputs, keras.layers.Dense(2)(hidden))

    first, second = unnamed(), unnamed()
    assert first.layers[1].name != second.layers[1].name
    assert stable_paths(first).keys() == stable_paths(second).keys()
