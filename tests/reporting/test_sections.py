import dataclasses
import types

import numpy as np
import pytest

from kft.backbones.image import image_table
from kft.config import TrainConfig
from kft.metrics import classification
from kft.reporting import sections
from kft.tasks.image_classification.image_inputs import ImageInputs


def test_training_examples_say_what_was_done_to_them() -> None:
    def said(augment: str) -> str:
        backbone = image_table.get("ResNet50")
        inputs = ImageInputs(TrainConfig(augment=augment), 3, backbone)
        return sections.views_text(inputs)

    assert said("none").endswith("no augmentation.")
    assert said("flip").endswith("each time augmented anew.")
    assert said("flip,mixup@0.2").endswith("before it was mixed with another one.")


def test_options_name_those_that_are_not_the_default() -> None:
    options = {name: rest for name, *rest in sections.options(TrainConfig(seed=7))}
    assert options["seed"] == ["7", False]
    assert options["momentum"] == ["0.9", True]
    assert options.keys() == {f.name for f in dataclasses.fields(TrainConfig)}


def test_a_figure_that_is_not_defined_says_why_behind_the_others() -> None:
    figures = classification.measure(np.eye(3), np.arange(3), ("a", "b", "c"))
    tiles = {tile.name: tile for tile in sections.tiles(figures)}
    evaluation = types.SimpleNamespace(figures=figures)
    others = {one.name: one for one in sections.other_figures(evaluation)}
    assert len(tiles) == 4 and not tiles.keys() & others.keys()
    top = others["top_5_accuracy"]
    assert (top.value, top.text) == (None, "–")
    assert top.note == figures.undefined["top_5_accuracy"]
    assert tiles["accuracy"].text == "100.00%"
    assert tiles["accuracy"].note.endswith("to 100.00%")


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        ("/home/a/kft/train.py --seed=1", "python -m kft.train --seed=1"),
        ("/home/a/kft/__main__.py train --seed=1", "python -m kft train --seed=1"),
        ("/home/a/bin/kft train", "kft train"),
        ("mine.py --fast", "python mine.py --fast"),
        ("", "python"),
    ],
)
def test_a_command_is_shown_as_it_is_typed(kept: str, typed: str) -> None:
    assert sections._typed(kept.split()) == typed.split()
