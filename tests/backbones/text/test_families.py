"""Every family of networks against what transformers computes (tools has the maker)."""

from pathlib import Path

import numpy as np
import pytest

from kft.backbones.text import transformer_config
from kft.config import TextClassificationConfig
from kft.model import split
from kft.model.network import Network
from kft.tasks.text_classification import text_network

pytest.importorskip("safetensors", reason="needs the extra text")

REFERENCES = Path(__file__).parent / "references"
FAMILIES = tuple(transformer_config.FAMILIES)
DECODERS = ("gpt2", "llama")


def _network(family: str, **options: str) -> Network:
    config = TextClassificationConfig(backbone=str(REFERENCES / family), **options)
    return text_network.build(config, num_classes=2, weights="pretrained")


def _reference(family: str) -> dict[str, np.ndarray]:
    with np.load(REFERENCES / family / "states.npz") as file:
        return dict(file)


def _states(network: Network, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return what the pooling reads."""
    pooling = network.model.get_layer(network.head_anchor)
    last = pooling.input[0]._keras_history.operation.name
    trunk = split.split_at(network.model, last).trunk
    return np.asarray(split.FrozenTrunk(trunk)(inputs)[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_computes_what_transformers_does(family: str) -> None:
    reference = _reference(family)
    inputs = {name: reference[name] for name in ("token_ids", "mask")}
    is_token = inputs["mask"] > 0
    network = _network(family)
    found = _states(network, inputs)[is_token]
    np.testing.assert_allclose(found, reference["states"][is_token], atol=1e-4)
    assert np.abs(found).max() > 0.1
    # It could fail: with other tokens the states are others.
    others = {**inputs, "token_ids": (inputs["token_ids"] + 1) * inputs["mask"]}
    moved = np.abs(_states(network, others)[is_token] - found)
    assert moved.max() > 1e-2


@pytest.mark.parametrize("family", FAMILIES)
def test_trunk_and_tail_are_the_whole_at_every_cut(family: str) -> None:
    reference = _reference(family)
    inputs = {name: reference[name] for name in ("token_ids", "mask")}
    network = _network(family)
    whole = network.model(inputs, training=False)
    for depth in range(3):
        halves = split.split_at(network.model, network.anchor(depth))
        stored = split.FrozenTrunk(halves.trunk)(inputs)
        np.testing.assert_array_equal(halves.tail(stored, training=False), whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stands_in_the_padding_reaches_no_result(family: str) -> None:
    reference = _reference(family)
    ids, mask = reference["token_ids"], reference["mask"]
    garbage = np.where(mask > 0, ids, 7)
    longer = {
        "token_ids": np.pad(garbage, [(0, 0), (0, 3)], constant_values=5),
        "mask": np.pad(mask, [(0, 0), (0, 3)]),
    }
    model = _network(family).model
    expected = model({"token_ids": ids, "mask": mask}, training=False)
    np.testing.assert_allclose(model(longer, training=False), expected, atol=1e-6)


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_reads_its_last_token_on_whichever_side_batches_are_filled_up(
    family: str,
) -> None:
    reference = _reference(family)
    ids, mask = reference["token_ids"], reference["mask"]
    left = {"token_ids": np.zeros_like(ids), "mask": np.zeros_like(mask)}
    for row, length in enumerate(mask.sum(axis=1)):
        left["token_ids"][row, -length:] = ids[row, :length]
        left["mask"][row, -length:] = 1
    network = _network(family)
    expected = network.model({"token_ids": ids, "mask": mask}, training=False)
    found = network.model(left, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # It is the last token that is read: another one there is another answer.
    others = ids.copy()
    others[np.arange(3), mask.sum(axis=1) - 1] = 4
    answer = network.model({"token_ids": others, "mask": mask}, training=False)
    assert np.abs(answer - expected).max(axis=1).min() > 1e-4
