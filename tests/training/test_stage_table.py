"""What is advised about a stage that waits for input."""

import types
from pathlib import Path

import numpy as np
import pytest

from kft.config import TrainConfig
from kft.config.stages import Stage
from kft.data.epoch_plan import Mix
from kft.run_folder.history import StageResult
from kft.training import stage_table
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.feature_cache.feature_store import (
    CutTensor,
    Features,
    Layout,
)

LAYOUT = Layout((CutTensor((), "float32"),), stored=None)


def _hint(
    name: str = "head",
    *,
    cache: StageCache | None = None,
    mix: Mix | None = None,
    is_augmented: bool = False,
    **given: object,
) -> str:
    context = types.SimpleNamespace(
        config=TrainConfig(**given),
        task=types.SimpleNamespace(
            inputs=types.SimpleNamespace(mix=lambda: mix, is_augmented=is_augmented)
        ),
        stages=(Stage("head", 1, None), Stage("all", 1, None)),
        depths=(0, 4),
        network=types.SimpleNamespace(anchor=lambda depth: None if depth else "pool"),
    )
    stage = StageResult(
        name=name,
        epochs=1,
        seconds=100.0,
        examples_per_second=1.0,
        input_wait_fraction=0.5,
        trainable_parameters=1,
        cached=cache is not None,
        best_epoch=1,
        validation={},
    )
    return stage_table.input_hint(context, stage, cache).partition("What helps: ")[2]


def test_what_is_cached_in_memory_is_not_advised_to_be() -> None:
    in_memory = Features((np.zeros(3),), LAYOUT)
    assert _hint(cache=StageCache(in_memory, None)) == "more CPU cores."


def test_what_is_cached_on_disk_may_go_to_memory(tmp_path: Path) -> None:
    array = np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", shape=(3,))
    cache = StageCache(Features((array,), LAYOUT), None)
    assert _hint(cache=cache).startswith("--feature_cache=memory, or a --cache_dir")


def test_a_stage_without_a_trunk_is_told_of_no_cache() -> None:
    for is_augmented in (True, False):
        told = _hint("all", is_augmented=is_augmented, feature_cache="off")
        assert told == "smaller inputs, or more CPU cores."


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({}, "smaller inputs"),
        ({"feature_cache": "off"}, "--feature_cache=auto"),
        ({"is_augmented": True}, "--cached_views=V"),
        ({"is_augmented": True, "cached_views": 2}, "smaller inputs"),
        (
            {"is_augmented": True, "feature_cache": "off"},
            "--feature_cache=auto with --cached_views=V",
        ),
        (
            {"is_augmented": True, "mix": Mix(3, 5, lambda: None, lambda: None)},
            "--cached_views=V of examples that are not mixed",
        ),
    ],
)
def test_a_live_trunk_is_told_what_keeps_it_from_being_cached(
    given: dict, first: str
) -> None:
    assert _hint(**given).partition(", or ")[0] == first
