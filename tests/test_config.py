"""The config of a run."""

import dataclasses
import json
import math

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import config, errors
from kft.config import TrainConfig, fields
from tests import configs
from tests.tasks.rising_steps import RisingConfig

PARTS = config.RunConfig.__bases__
WHOLE = (config.ImageOptions, config.ImageModelConfig, TrainConfig, config.TuneConfig)


def test_every_field_has_help_that_ends_a_sentence() -> None:
    helps = {f.name: f.metadata["help"] for f in dataclasses.fields(TrainConfig)}
    assert [name for name, text in helps.items() if not text.endswith(".")] == []


def test_the_parts_share_no_field() -> None:
    names = [field.name for part in PARTS for field in dataclasses.fields(part)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", WHOLE)
def test_the_defaults_are_legal(part: type[config.Config]) -> None:
    part()


def test_the_default_stages_are_understood() -> None:
    assert TrainConfig().parsed_stages


def test_a_batch_size_of_auto_is_no_number_yet() -> None:
    assert TrainConfig(batch_size=48).settled_batch_size == 48
    with pytest.raises(ValueError, match="auto has to be settled"):
        _ = TrainConfig(batch_size="auto").settled_batch_size


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
    calls = {"memory_growth", "steps_per_execution", "trackers"}
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


def test_stages_are_parsed_once_and_change_with_the_config() -> None:
    made = TrainConfig(stages="head:1@1e-2,top2:3")
    assert made.parsed_stages is made.parsed_stages
    (head, body) = made.parsed_stages
    assert (head.learning_rate, body.epochs) == (0.01, 3)
    other = made.with_stages([dataclasses.replace(head, epochs=7)])
    assert other.stages == "head:7@0.01"
    assert [stage.epochs for stage in other.parsed_stages] == [7]


@pytest.mark.parametrize("options", [config.SearchConfig, config.RangeTestConfig])
def test_a_command_adds_its_options_to_those_of_every_task(
    options: type[config.RunConfig],
) -> None:
    made = config.of_task(options, RisingConfig)
    own = {field.name for field in dataclasses.fields(made)}
    assert {"width", "dataset", "run_dir"} < own
    assert own - {field.name for field in dataclasses.fields(RisingConfig)}
    assert made(width=5).train_config() == RisingConfig(width=5)
    assert isinstance(made(), options)


def test_the_commands_of_the_default_task_have_names_of_their_own() -> None:
    assert config.of_task(config.SearchConfig, TrainConfig) is config.TuneConfig
    assert config.of_task(config.RangeTestConfig, TrainConfig) is config.FindLrConfig
    run = TrainConfig(image_size=64, seed=3)
    assert config.TuneConfig(image_size=64, seed=3).train_config() == run


def test_options_of_a_task_mean_something_to_everybody() -> None:
    assert not RisingConfig().skips_bad_examples and not RisingConfig().is_augmented
    assert TrainConfig(on_bad_image="skip").skips_bad_examples
    assert not TrainConfig().is_augmented
    assert TrainConfig(augment="flip").is_augmented
    assert not TrainConfig(augment="flip").mixes_pairs
    assert TrainConfig(augment="flip,mixup@0.3").mixes_pairs
