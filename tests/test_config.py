"""The config of a run."""

import dataclasses
import json
import math

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import config, errors
from kft.config import TrainConfig, fields, stages
from tests import configs

PARTS = TrainConfig.__bases__


def test_every_field_has_help_that_ends_a_sentence() -> None:
    helps = {f.name: f.metadata["help"] for f in dataclasses.fields(TrainConfig)}
    assert [name for name, text in helps.items() if not text.endswith(".")] == []


def test_the_parts_share_no_field() -> None:
    names = [field.name for part in PARTS for field in dataclasses.fields(part)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", [*PARTS, TrainConfig])
def test_the_defaults_are_legal(part: type[config.Config]) -> None:
    part()


def test_the_default_stages_are_understood() -> None:
    assert stages.parse_stages(TrainConfig().stages)


def test_a_config_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().batch_size = 3


def test_a_changed_config_is_checked_too() -> None:
    with pytest.raises(errors.ConfigError, match="--batch_size: expected at least 1"):
        dataclasses.replace(TrainConfig(), batch_size=0)


@pytest.mark.parametrize("field", dataclasses.fields(TrainConfig), ids=lambda f: f.name)
def test_bounds_are_inclusive_and_finite(field: dataclasses.Field) -> None:
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if low is not None:
        TrainConfig(**{field.name: low})
        with pytest.raises(errors.ConfigError, match=f"--{field.name}: "):
            TrainConfig(**{field.name: low - 1})
    if high is not None:
        assert math.isfinite(high)
        TrainConfig(**{field.name: high})
        with pytest.raises(errors.ConfigError, match=f"--{field.name}: "):
            TrainConfig(**{field.name: high + 1})


def test_only_fields_that_compute_nothing_may_change_on_resume() -> None:
    free = {f.name for f in dataclasses.fields(TrainConfig) if f.metadata["may_change"]}
    places = {"devices", "coordinator", "num_workers", "worker_index", "cache_dir"}
    calls = {"steps_per_execution", "trackers"}
    after = {"assert_accuracy_at_least", "preview", "report"}
    assert free <= {"run_dir", "checkpoint_minutes", *places, *calls, *after}


def test_every_choice_is_legal() -> None:
    hints = {name: fields.field_type(hint) for name, hint in configs.HINTS.items()}
    for name, expected in hints.items():
        for choice in expected.choices or ():
            assert getattr(TrainConfig(**{name: choice}), name) == choice


@hypothesis.given(configs.configs())
def test_a_config_comes_back_from_json(made: TrainConfig) -> None:
    text = json.dumps(config.to_dict(made))
    assert config.from_dict(TrainConfig, json.loads(text)) == made


def test_a_dict_of_a_config_holds_what_json_knows() -> None:
    assert config.to_dict(TrainConfig(export=("a", "b")))["export"] == ["a", "b"]


@hypothesis.given(st.sampled_from(sorted(configs.HINTS)), configs.JSON_VALUES)
def test_json_of_the_wrong_type_is_a_config_error(name: str, value: object) -> None:
    try:
        config.from_dict(TrainConfig, {name: value})
    except errors.ConfigError as error:
        assert f"--{name}: " in str(error)
