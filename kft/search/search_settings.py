"""The settings of a run that a search can vary, by name."""

import dataclasses
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kft import errors, tasks
from kft.config import (
    DistillationConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    fields,
    flagfile,
)

Value = float | int | str
# By the name of the setting; a choice is the text of the flag.
Values = Mapping[str, Value]

# Besides the network, the optimizer and what the task names: what changes neither the
# validation examples, by which trials are compared, nor only where and how fast they
# run.
_OTHERS = (
    "batch_size",
    "examples_per_class",
    "class_weight",
    "sampling",
    "precision",
    "cached_views",
    "cache_dtype",
)
_STAGE_FIELDS = {
    "epochs": fields.FieldType(int, optional=False, choices=None),
    "learning_rate": fields.FieldType(float, optional=False, choices=None),
    "unfreeze": fields.FieldType(str, optional=False, choices=None),
}


def apply(config: RunConfig, values: Values) -> RunConfig:
    """Return the config with these settings.

    Raises:
        errors.ConfigError: where there is no such setting, or a value is not legal.
    """
    changes: dict[str, Any] = {}
    stages = list(config.parsed_stages)
    for name, value in values.items():
        text = value if isinstance(value, str) else flagfile.format_value(value)
        parsed = parse(name, text, config)
        if name.startswith("stages."):
            index, attribute = _stage(name, config)
            change: dict[str, Any] = {attribute: parsed}
            stages[index] = dataclasses.replace(stages[index], **change)
        else:
            changes[name] = parsed
    changed = dataclasses.replace(config, **changes).with_stages(stages)
    # A stage may have got a value that is none.
    _ = changed.parsed_stages
    return changed


def current(name: str, config: RunConfig) -> str:
    """Return what a setting is now, as the text of its flag."""
    if not name.startswith("stages."):
        return flagfile.format_value(getattr(config, name))
    index, attribute = _stage(name, config)
    value = getattr(config.parsed_stages[index], attribute)
    if attribute == "learning_rate" and value is None:
        value = config.learning_rate
    return flagfile.format_value(value)


def scaled(config: RunConfig, share: float) -> RunConfig:
    """Return the config with `share` of the epochs of every stage, at least 1 each.

    Args:
        config: of a run.
        share: in (0, 1].
    """
    return config.with_stages(
        [
            dataclasses.replace(stage, epochs=max(1, round(stage.epochs * share)))
            for stage in config.parsed_stages
        ]
    )


def total_epochs(config: RunConfig) -> int:
    """Return the epochs of all stages."""
    return sum(stage.epochs for stage in config.parsed_stages)


def format_values(values: Values) -> str:
    """Return the values on one line, for a person."""
    shown = (
        f"{value:g}" if isinstance(value, float) else str(value)
        for value in values.values()
    )
    return "  ".join(f"{n}={v}" for n, v in zip(values, shown, strict=True))


def parse(name: str, text: str, config: RunConfig) -> Value | bool | None:
    """Return the value that a text stands for, as the field of the config has it.

    Raises:
        errors.ConfigError: where it is none, or there is no such setting.
    """
    try:
        value: Value | bool | None = flagfile.parse_value(text, expected(name, config))
    except ValueError as error:
        raise errors.ConfigError(f"--space: {name}: {error}.") from error
    return value


def expected(name: str, config: RunConfig) -> fields.FieldType:
    """Return what a setting accepts.

    Raises:
        errors.ConfigError: where there is no such setting, or a search cannot vary it.
    """
    if name.startswith("stages."):
        return _STAGE_FIELDS[_stage(name, config)[1]]
    if name == "stages":
        raise errors.ConfigError(
            "--space: stages is varied in its parts, such as "
            f"{_stage_names(config)[0]}=int:2..8."
        )
    known = [field.name for field in dataclasses.fields(config)]
    searchable = _searchable(config)
    legal = [one for one in known if one in searchable]
    if name in known and name not in legal:
        raise errors.ConfigError(
            f"--space: {name} cannot be searched: it decides which examples validate, "
            "where and how fast a run computes, what it writes, or only its luck. "
            f"Possible: {', '.join([*legal, *_stage_names(config)])}."
        )
    if name not in legal:
        advice = errors.closest(name, [*legal, *_stage_names(config)])
        raise errors.ConfigError(f"--space: there is no setting {name!r}. {advice}")
    return fields.field_type(typing.get_type_hints(type(config))[name])


def unread(names: Collection[str], config: RunConfig) -> Iterator[str]:
    """Yield why no run of a search would read a setting that it varies.

    Args:
        names: of all settings that the search varies.
        config: of the run.
    """
    taught = [name for name in names if name.startswith("distillation_")]
    if taught and config.teacher is None and "teacher" not in names:
        yield (
            f"--space: {', '.join(taught)} is about a teacher: name one (--teacher), "
            "or leave it out."
        )
    if "learning_rate" not in names:
        return
    stages = config.parsed_stages
    rates = [f"stages.{stage.unfreeze}.learning_rate" for stage in stages]
    if all(
        stage.learning_rate is not None or rate in names
        for stage, rate in zip(stages, rates, strict=True)
    ):
        yield (
            "--space: learning_rate is for stages that have no rate of their own, and "
            f"all of --stages={config.stages} have one there or in --space: use "
            f"{', '.join(rates)}, or leave them out and the @ in --stages."
        )


def _searchable(config: RunConfig) -> set[str]:
    parts = (ModelConfig, OptimizerConfig, DistillationConfig)
    names = {field.name for part in parts for field in dataclasses.fields(part)}
    own = tasks.kind(config.task).searchable
    return names.union(_OTHERS, own) - {"stages"}


def _stage_names(config: RunConfig) -> Sequence[str]:
    return [
        f"stages.{stage.unfreeze}.{attribute}"
        for stage in config.parsed_stages
        for attribute in _STAGE_FIELDS
    ]


def _stage(name: str, config: RunConfig) -> tuple[int, str]:
    """Return the index of the stage, and its attribute, that a name stands for."""
    stage, _, attribute = name.removeprefix("stages.").rpartition(".")
    names = [stage.unfreeze for stage in config.parsed_stages]
    if stage not in names or attribute not in _STAGE_FIELDS:
        advice = errors.closest(name, _stage_names(config))
        raise errors.ConfigError(
            f"--space: --stages={config.stages} has no {name!r}. {advice}"
        )
    if names.count(stage) > 1:
        raise errors.ConfigError(
            f"--space: {name!r} may mean each of the {names.count(stage)} stages "
            f"{stage!r}; give them different names (top<k>, a block) in --stages."
        )
    return names.index(stage), attribute
