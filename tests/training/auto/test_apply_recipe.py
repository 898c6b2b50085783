"""`--recipe=auto` in a run: what is looked at, kept, and taken up again."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.backbones.image import image_table
from kft.cli import flags
from kft.config import TrainConfig
from kft.data.examples import Examples
from kft.distribution.replicas import Devices
from kft.run_folder import run_dir
from kft.tasks.image_classification import image_recipe
from kft.training.auto import apply_recipe
from kft.training.auto.recipe import Facts

DEVICES = Devices(tf.distribute.get_strategy())
CHOICE = image_recipe.choose(
    TrainConfig(), 240, (), backbone=image_table.get("ResNet50")
)
FACTS = Facts(examples=500, classes=5, choice=CHOICE)


@pytest.fixture
def known_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data be known, and nothing of it be checked."""
    monkeypatch.setattr(apply_recipe, "look", lambda config, given: FACTS)
    monkeypatch.setattr(apply_recipe.preflight, "check", lambda config: None)


def _settle(config: TrainConfig, given: set[str]) -> tuple[TrainConfig, list[str]]:
    said: list[str] = []
    chosen = apply_recipe.settle(config, DEVICES, given=given, say=said.append)
    return chosen, said


@pytest.mark.usefixtures("known_facts")
def test_the_choice_is_said_as_flags_that_give_it_again(tmp_path: Path) -> None:
    config = TrainConfig(recipe="auto", run_dir=str(tmp_path / "run"), augment="none")
    chosen, said = _settle(config, {"recipe", "run_dir", "augment"})
    assert said[0].startswith("--recipe=auto: 500 training examples, 5 classes")
    own = [f"--run_dir={config.run_dir}", "--augment=none", "--recipe=applied"]
    shown = [line.strip() for line in said[1:]]
    assert flags.parse(TrainConfig, [*own, *shown]).config == chosen
    assert not any("--augment" in line for line in shown)


def test_other_recipes_are_left_alone() -> None:
    for recipe in ("manual", "applied"):
        config = TrainConfig(recipe=recipe)
        assert _settle(config, set()) == (config, [])


@pytest.mark.usefixtures("known_facts")
def test_an_unfinished_run_goes_on_with_what_it_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(recipe="auto", run_dir=str(tmp_path / "run"))
    first, _ = _settle(config, {"recipe", "run_dir"})
    run_dir.prepare(first)
    more = dataclasses.replace(FACTS, examples=50_000)
    monkeypatch.setattr(apply_recipe, "look", lambda config, given: more)
    again, said = _settle(config, {"recipe", "run_dir"})
    assert again == first
    assert said == []
    assert run_dir.find(again)[1] == "unfinished"


@pytest.mark.usefixtures("known_facts")
def test_the_flagfile_of_the_run_repeats_it(tmp_path: Path) -> None:
    config = TrainConfig(recipe="auto", run_dir=str(tmp_path / "run"))
    chosen, _ = _settle(config, {"recipe", "run_dir"})
    run, _ = run_dir.prepare(chosen)
    parsed = flags.parse(TrainConfig, [f"--flagfile={run.flags_cfg}"])
    assert parsed.config == chosen
    assert _settle(parsed.config, set(parsed.given))[0] == chosen


@pytest.mark.usefixtures("known_facts")
def test_a_run_that_was_made_by_hand_is_not_taken_over(tmp_path: Path) -> None:
    config = TrainConfig(run_dir=str(tmp_path / "run"))
    run_dir.prepare(config)
    with pytest.raises(errors.RunDirError, match="--recipe: manual -> auto"):
        _settle(dataclasses.replace(config, recipe="auto"), {"recipe", "run_dir"})


def test_a_run_keeps_the_choice_and_is_finished_the_second_time(
    tiny_run: Callable, tmp_path: Path
) -> None:
    changes = {"recipe": "auto", "stages": "head:1@0.1", "cached_views": 2}
    first = tiny_run("auto", **changes)
    kept = json.loads((tmp_path / "auto" / "config.json").read_text())
    # The fixture gives the batch, and the tiny network has no block of the default
    # backbone; the images are raw pixels, whose size nobody knows.
    assert (kept["recipe"], kept["augment"]) == ("applied", "flip")
    assert (kept["stages"], kept["batch_size"]) == ("head:1@0.1", 16)
    assert tiny_run("auto", **changes) == first


def test_the_sample_is_spread_over_all_examples() -> None:
    payloads = tf.constant([str(number).encode() for number in range(1_000)])
    examples = Examples(
        ids=np.array([str(number) for number in range(1_000)]),
        labels=np.zeros(1_000, np.int32),
        rows=np.arange(1_000),
        read=lambda rows: tf.gather(payloads, rows),
    )
    found = apply_recipe.sample(examples)
    assert (len(found), found[0], found[-1]) == (64, b"0", b"999")
    assert apply_recipe.sample(examples.take(np.array([3]))) == [b"3"]


def test_a_file_that_is_not_there_does_not_end_the_look(tmp_path: Path) -> None:
    paths = tf.constant([str(tmp_path / name) for name in ("1.png", "gone.png")])
    (tmp_path / "1.png").write_bytes(b"one")
    examples = Examples(
        ids=np.array(["1.png", "gone.png"]),
        labels=np.zeros(2, np.int32),
        rows=np.arange(2),
        read=lambda rows: tf.map_fn(tf.io.read_file, tf.gather(paths, rows)),
    )
    assert apply_recipe.sample(examples) == [b"one"]
    assert apply_recipe.sample(examples.take(np.array([1]))) == []
