"""Config dataclasses <-> absl flags."""

import dataclasses
import re
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from absl import flags as absl_flags

from kft import errors
from kft.cli import flag_hints
from kft.cli.by_task import TASK, ByTask, chosen_task
from kft.config import Config, fields, flagfile

# What the command line itself understands, besides the fields of a config.
SPECIAL = ("flagfile", "help", "version", "debug")


@dataclasses.dataclass(frozen=True)
class Parsed:
    """A command line, understood.

    Attributes:
        config: the config that it describes.
        given: the fields whose value was written on the command line or in a flagfile,
            as opposed to those that have their default.
    """

    config: Any
    given: frozenset[str]


def define(
    config_class: type[Config], *, positional: str | None = None
) -> absl_flags.FlagValues:
    """Return a flag for each field of a config, apart from absl's global flags.

    The flags keep their text, so that `parse` can report every wrong one at once. A
    flag that is not given is None.

    Args:
        config_class: the config dataclass.
        positional: the tuple field that takes the arguments without a name, which has
            no flag; or the field of one value that may stand without its name.
    """
    values = absl_flags.FlagValues()  # type: ignore[no-untyped-call]  # of absl
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        is_tuple = fields.field_type(hints[field.name]).base is tuple
        if field.name != positional or not is_tuple:
            values[field.name] = absl_flags.Flag(
                parser=absl_flags.ArgumentParser(),
                serializer=None,
                name=field.name,
                default=None,
                help_string=field.metadata["help"],
                boolean=fields.field_type(hints[field.name]).base is bool,
            )
    return values


def parse(
    config: type[Config] | ByTask,
    arguments: Sequence[str],
    *,
    positional: str | None = None,
) -> Parsed:
    """Return the config that a command line describes.

    Later flags win over earlier ones; a flagfile counts where it stands.

    Args:
        config: the config dataclass, or how it follows from `--task`.
        arguments: the command line without the name of the program.
        positional: the field that takes the arguments without a name: a tuple of all,
            or the value of one.

    Raises:
        errors.ConfigError: naming every flag that is wrong, and where it was written.
    """
    classes = classes_of(config)
    expanded = flagfile.expand(arguments, switches=switches(classes))
    config_class = _of_task(config, expanded) if isinstance(config, ByTask) else config
    values = define(config_class, positional=positional)
    try:
        leftover = values(["kft", *expanded.values], known_only=True)[1:]
    except (absl_flags.Error, ValueError) as error:
        raise errors.ConfigError(f"{error}.") from error
    unnamed = _unnamed(leftover, values, expanded.origins)
    given = {name: values[name].value for name in values if values[name].present}
    if unnamed:
        given.update(_positional(config_class, unnamed, given, positional))
    problems, converted = _convert_all(config_class, given)
    needed = config.needed if isinstance(config, ByTask) else ()
    problems += _missing(config_class, given, positional, needed)
    problems += fields.problems(config_class, converted)
    if problems:
        placed = [_placed(problem, expanded.origins) for problem in problems]
        raise errors.ConfigError("\n".join(placed))
    return Parsed(config_class(**converted), frozenset(given))


def classes_of(config: type[Config] | ByTask) -> Sequence[type[Config]]:
    """Return the config of a command, or those of all tasks."""
    return config.classes() if isinstance(config, ByTask) else [config]


def _positional(
    config_class: type[Config],
    unnamed: tuple[str, ...],
    given: Mapping[str, Any],
    positional: str | None,
) -> dict[str, Any]:
    """Return the field that the arguments without a name are, with its value.

    Raises:
        errors.ConfigError: where they are too many.
    """
    shown = ", ".join(map(repr, unnamed))
    if positional is None:
        raise errors.ConfigError(
            f"Expected flags only, received {shown}. Write --name=value; a value with "
            "blanks needs quotes."
        )
    hints = typing.get_type_hints(config_class)
    if fields.field_type(hints[positional]).base is tuple:
        return {positional: unnamed}
    if len(unnamed) > 1 or positional in given:
        also = f" and --{positional}={given[positional]}" if positional in given else ""
        raise errors.ConfigError(
            f"Expected one value for --{positional}, received {shown}{also}. Other "
            "flags are written --name=value; a value with blanks needs quotes."
        )
    return {positional: unnamed[0]}


def switches(classes: Iterable[type[Config]]) -> frozenset[str]:
    """Return the flags that need no value, of several configs."""
    found: set[str] = set()
    for config_class in classes:
        hints = typing.get_type_hints(config_class)
        found.update(
            name
            for name in fields.names(config_class)
            if fields.field_type(hints[name]).base is bool
        )
    return frozenset(found)


def _of_task(by_task: ByTask, expanded: flagfile.Arguments) -> type[Config]:
    """Return the config class of the task that a command line names.

    Raises:
        errors.ConfigError: where there is no such task, or for flags of another one.
    """
    task = chosen_task(expanded.values)
    try:
        config_class = by_task.config_class(task)
    except errors.ConfigError as error:
        raise errors.ConfigError(_placed(str(error), expanded.origins)) from error
    legal = fields.names(config_class)
    problems = []
    for name in flagfile.names(expanded.values):
        if name.startswith("no") and name not in legal:
            name = name.removeprefix("no")
        owners = by_task.owners(name) if name not in legal else []
        if owners:
            origin = expanded.origins.get(name)
            place = f" ({origin})" if origin else ""
            problems.append(
                f"--{name} belongs to --{TASK}={' or '.join(owners)}, received "
                f"--{TASK}={task}{place}. Leave it out."
            )
    if problems:
        raise errors.ConfigError("\n".join(dict.fromkeys(problems)))
    return config_class


def _unnamed(
    leftover: Sequence[str],
    values: absl_flags.FlagValues,
    origins: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the arguments that are no flags, of those that absl did not take."""
    end = leftover.index("--") if "--" in leftover else len(leftover)
    strays = [a for a in leftover[:end] if a.startswith("-") and a.strip("-")]
    if strays:
        unknown = dict.fromkeys(_unknown(a, values, origins) for a in strays)
        raise errors.ConfigError("\n".join(unknown))
    return (*leftover[:end], *leftover[end + 1 :])


def _unknown(
    argument: str, values: absl_flags.FlagValues, origins: Mapping[str, str]
) -> str:
    name = argument.lstrip("-").partition("=")[0]
    place = f" ({origins[name]})" if name in origins else ""
    advice = flag_hints.advice(name, [*values, *SPECIAL])
    return f"There is no flag --{name}{place}. {advice}"


def _missing(
    config_class: type[Config],
    given: Mapping[str, Any],
    positional: str | None,
    needed: Collection[str],
) -> list[str]:
    """Return a line for each field that was not given and has no default, or needs one.

    Args:
        config_class: whose fields the flags are.
        given: what was written, by field.
        positional: the field that takes the arguments without a name.
        needed: fields whose default does not count.
    """
    found = []
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        has_none = field.default is dataclasses.MISSING or field.name in needed
        if has_none and field.name not in given:
            is_tuple = fields.field_type(hints[field.name]).base is tuple
            unnamed = field.name == positional and is_tuple
            flag = f"{field.name.upper()}..." if unnamed else f"--{field.name}"
            found.append(f"{flag}: a value is needed. {field.metadata['help']}")
    return found


def _convert_all(
    config_class: type[Config], given: Mapping[str, Any]
) -> tuple[list[str], dict[str, Any]]:
    """Return the problems of texts that are no values, and the values of the others."""
    hints = typing.get_type_hints(config_class)
    problems, converted = [], {}
    for name, value in given.items():
        try:
            converted[name] = _convert(value, fields.field_type(hints[name]))
        except ValueError as error:
            problems.append(f"--{name}: {error}.")
    return problems, converted


def _convert(value: Any, expected: fields.FieldType) -> Any:
    if not isinstance(value, str):
        return value
    return flagfile.parse_value(value, expected)


def _placed(problem: str, origins: Mapping[str, str]) -> str:
    """Return a problem with the place that its flag was written at, if in a file."""
    match = re.match(r"--(\w+): ", problem)
    if match and match[1] in origins:
        return f"{problem} ({origins[match[1]]})"
    return problem
