"""Which tokens speak for an answer, and how that is shown."""

import html
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import tasks
from kft.backbones.text import layer_parts
from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.inference import predictor
from kft.model import split
from kft.model.network import Network
from kft.tasks.text_classification import shaded_text, token_gradients
from tests import tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write(tmp_path_factory.mktemp("bert"))


def _task(backbone: Path, **changes: object):
    config = TextClassificationConfig(backbone=str(backbone), max_length=12, **changes)
    return tasks.get(config, LabelMap(("bad", "good")))


def test_scores_are_the_change_of_the_logit_to_first_order(backbone: Path) -> None:
    network = _task(backbone, dropout=0.0).network()
    ids = np.array([[2, 4, 5, 3, 0], [2, 6, 7, 8, 3]], np.int32)
    inputs = {"token_ids": ids, "mask": (ids > 0).astype(np.int32)}
    scores = token_gradients.scores(network, inputs, np.array([1, 0]))
    assert scores.shape == (2, 5)
    # What is no token says nothing.
    assert scores[0, 4] == 0
    below, factor = _states(network, inputs), 1e-3
    for row, answer in ((0, 1), (1, 0)):
        for token in range(3):
            changed = below.copy()
            changed[row, token] *= 1 + factor
            more = _tail(network, changed, inputs)[row, answer]
            changed[row, token] = below[row, token] * (1 - factor)
            less = _tail(network, changed, inputs)[row, answer]
            slope = (more - less) / (2 * factor)
            assert slope == pytest.approx(scores[row, token], rel=0.02, abs=2e-3)


def _states(network: Network, inputs: dict[str, np.ndarray]) -> np.ndarray:
    states = network.model.get_layer(layer_parts.STEM_END).output
    return keras.Model(network.model.inputs, states)(inputs).numpy()


def _tail(
    network: Network, states: np.ndarray, inputs: dict[str, np.ndarray]
) -> np.ndarray:
    halves = split.split_at(network.model, layer_parts.STEM_END)
    given = [
        states if len(tensor.shape) == 3 else inputs["mask"]
        for tensor in halves.tail.inputs
    ]
    return halves.tail(given).numpy()


def test_a_word_is_shaded_where_it_stands_in_the_text() -> None:
    text = "a <b> &\nc"
    found = shaded_text.shaded(text, [(0, 1), (2, 5), (8, 9)], [1.0, -0.5, 0.0])
    inside = re.fullmatch(r"<p[^>]*>(.*)</p>", found, re.S)[1]
    assert html.unescape(re.sub("<[^>]*>", "", inside)) == text
    assert '<span style="background:rgba(230,120,0,0.60)">a</span>' in inside
    assert 'rgba(0,114,230,0.30)">&lt;b&gt;</span>' in inside


def test_shares_of_tokens_are_of_the_strongest() -> None:
    scores = np.array([2.0, -4.0, 1.0])
    assert shaded_text.relative(scores).tolist() == [0.5, -1.0, 0.25]
    assert shaded_text.relative(np.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("pairs", "texts"),
    [
        (False, ["The unaffordable film, \u00e7a!"]),
        (True, ["Good film", "bad [SEP] bad bad bad bad"]),
        (True, ["", "b"]),
    ],
)
def test_a_text_lies_over_itself(backbone: Path, pairs: bool, texts: list[str]) -> None:
    task = _task(backbone, pairs=pairs)
    payload = "\0".join(texts).encode()
    asked = predictor.Predictor(task, outputs=dict)
    one = {name: tensor.numpy() for name, tensor in asked.one_input(payload).items()}
    (found,) = task.display.explain(
        task.network(), [one], targets=[1], payloads=[payload]
    )
    shown = task.display.example_html(payload, one)
    own, over = (
        [html.unescape(re.sub("<[^>]*>", "", part)) for part in page.split("</p>")[:-1]]
        for page in (shown, found)
    )
    assert own == over == texts
    # Each token but those around the texts has its ground.
    assert found.count("<span") == int(one["mask"].sum()) - (3 if pairs else 2)
