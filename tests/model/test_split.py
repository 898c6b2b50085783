"""A graph cut in two computes what the whole computes."""

import keras
import numpy as np
import pytest

from kft.model import split
from tests import tiny


@pytest.fixture(scope="module")
def network():
    return tiny.network(dropout=0.5)


IMAGES = tiny.pixels(4)[0].astype(np.float32)


@pytest.mark.parametrize("anchor", ["images", "stem", "block_2_add", "pooling"])
def test_halves_compose_to_the_whole(network, anchor):
    halves = split.split_at(network.model, anchor)
    features = halves.trunk([IMAGES], training=False)
    whole = network.model(IMAGES, training=False)
    np.testing.assert_array_equal(halves.tail(features, training=False), whole)


def test_halves_share_the_variables_of_the_whole(network):
    halves = split.split_at(network.model, "block_2_add")
    parts = [*halves.trunk.variables, *halves.tail.variables]
    assert {id(v) for v in parts} == {id(v) for v in network.model.variables}


def test_a_cut_through_a_skip_connection_has_two_tensors(network):
    halves = split.split_at(network.model, "block_2_conv")
    assert len(halves.trunk.outputs) == 2
    features = halves.trunk([IMAGES], training=False)
    whole = network.model(IMAGES, training=False)
    np.testing.assert_array_equal(halves.tail(features, training=False), whole)


def test_nothing_above_the_cut_is_refused(network):
    with pytest.raises(ValueError, match="nothing of 'tiny' is left above 'logits'"):
        split.split_at(network.model, "logits")


def test_a_frozen_trunk_stays_in_inference_mode_within_a_training_call():
    network = tiny.network(dropout=0.5)
    for layer in network.model.layers:
        layer.trainable = True
    halves = split.split_at(network.model, "pooling")
    images = keras.Input(tiny.SHAPE)
    features = split.FrozenTrunk(halves.trunk)(images)
    stage = keras.Model(images, halves.tail(features))
    before = [v.numpy() for v in halves.trunk.variables]
    still = network.model(IMAGES, training=False)
    np.testing.assert_array_equal(stage(IMAGES, training=True), still)
    for variable, value in zip(halves.trunk.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_stored_cut_tensors_reach_the_tail_as_a_list():
    assert split.tail_inputs(None, ("a", "b")) == ["a", "b"]
    assert split.tail_inputs(None, "pixels") == "pixels"
