"""Flagfiles: one `--name=value` a line, written from a config and read as arguments.

Unlike with absl, a comment may be indented, and a nested `--flagfile=` is relative
to the file that names it, so that a config works from every working directory. A value
with ` #` in it, which looks like a comment, stands in double quotes.
"""

import dataclasses
import os
import re
import textwrap
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kft import errors
from kft.config import Config, fields, shipped_configs, user_paths

_LIKE_A_COMMENT = re.compile(r"\s#")
_MOST_NESTED = 100
_TRUE = ("true", "t", "1")
_FALSE = ("false", "f", "0")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """A command line in which every `--flagfile` is replaced by its lines.

    Attributes:
        values: the arguments, without the name of the program.
        origins: for each flag whose last value comes out of a file, the place, such as
            `configs/flowers.cfg, line 3`.
    """

    values: tuple[str, ...]
    origins: Mapping[str, str]


def parse_value(text: str, expected: fields.FieldType) -> Any:
    """Return the value that the text of a flag stands for.

    Choices and bounds are left to the config, which checks them in any case.

    Raises:
        ValueError: where it is not of the expected type; the text says what is.
    """
    text = text.strip()
    if expected.optional and text.lower() == fields.NONE:
        return None
    if text.lower() in expected.words:
        return text.lower()
    if expected.base is str:
        return text
    if expected.base is tuple:
        return tuple(part.strip() for part in text.split(",")) if text else ()
    if expected.base is bool:
        return _parse_bool(text)
    try:
        return expected.base(text)
    except ValueError:
        number = "a whole number" if expected.base is int else "a number"
        name = " or ".join((number, *expected.words))
        raise ValueError(f"expected {name}, received {text!r}") from None


def _parse_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"expected true or false, received {text!r}")


def format_value(value: Any) -> str:
    """Return the text that `parse_value` turns into `value`."""
    if value is None:
        return fields.NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, float):
        return repr(float(value))
    return str(value)


def format_flagfile(config: Config) -> str:
    """Return a flagfile with every field, its help above it; parsing gives it back.

    Raises:
        errors.ConfigError: where a value cannot be written as a line.
    """
    lines = []
    for title, part in groups(type(config)):
        lines += ["", f"# === {title} ==="]
        for field in part:
            value = getattr(config, field.name)
            comment = textwrap.wrap(field.metadata["help"], 86, break_on_hyphens=False)
            lines += ["", *(f"# {line}" for line in comment)]
            lines.append(f"--{field.name}={_checked_text(config, field.name, value)}")
    return "\n".join(lines[1:]) + "\n"


def _checked_text(config: Config, name: str, value: Any) -> str:
    text = format_value(value)
    expected = fields.field_type(typing.get_type_hints(type(config))[name])
    if "\n" in text or parse_value(text, expected) != value:
        raise errors.ConfigError(
            f"--{name}: {value!r} cannot be written in a flagfile: expected names "
            "without commas, line breaks and blanks at their ends."
        )
    return f'"{text}"' if _LIKE_A_COMMENT.search(text) else text


def groups(
    config_class: type[Config],
) -> Sequence[tuple[str, Sequence[dataclasses.Field[Any]]]]:
    """Return the fields by the class that declares them, with the class's docstring.

    They come in the order of the fields, which is from the last base to the class
    itself. One that a subclass declares anew stays where it was.
    """
    left = {field.name: field for field in dataclasses.fields(config_class)}
    found = []
    for part in reversed(config_class.__mro__):
        names = vars(part).get("__annotations__", ())
        declared = [left.pop(name) for name in names if name in left]
        if declared:
            title = (part.__doc__ or part.__name__).splitlines()[0].rstrip(".")
            found.append((title, declared))
    return found


def expand(arguments: Iterable[str], *, switches: Collection[str]) -> Arguments:
    """Return the arguments with the lines of every flagfile in its place.

    Args:
        arguments: the command line without the name of the program.
        switches: the flags that need no value, such as `nesterov`.

    Raises:
        errors.ConfigError: naming the file, and the line that is not understood.
    """
    values: list[str] = []
    origins: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            values += [argument, *rest]
            break
        name, has_value, text = _split(argument)
        if name != "flagfile":
            values.append(argument)
            origins.pop(name, None)
            continue
        if not has_value and not rest:
            raise errors.ConfigError("--flagfile: expected a file after it.")
        path = _path(text if has_value else rest.pop(0))
        for line, origin in _read(path, switches=switches, readers=()):
            values.append(line)
            origins[_split(line)[0]] = origin
    return Arguments(tuple(values), origins)


def names(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the names of the flags among arguments, up to `--`."""
    for argument in arguments:
        if argument == "--":
            return
        name = _split(argument)[0]
        if name:
            yield name


def _split(argument: str) -> tuple[str, bool, str]:
    """Return name, whether a value follows, and the value; no name: not a flag."""
    if not argument.startswith("-"):
        return "", False, argument
    name, equals, value = argument.lstrip("-").partition("=")
    return name, bool(equals), value


def _read(
    path: Path, *, switches: Collection[str], readers: tuple[Path, ...]
) -> list[tuple[str, str]]:
    """Return the lines of a flagfile, and of those it names, each with its origin."""
    real = Path(os.path.realpath(path))
    if real in readers:
        raise errors.ConfigError(f"--flagfile: {path} reads itself.")
    if len(readers) == _MOST_NESTED:
        raise errors.ConfigError(
            f"--flagfile: {path} is named within {_MOST_NESTED} others, each within "
            "the next; expected fewer."
        )
    readers = (*readers, real)
    found = []
    for number, line in enumerate(_text(path, readers).split("\n"), start=1):
        line, origin = line.strip(), f"{path}, line {number}"
        if not line or line.startswith(("#", "//")):
            continue
        name, has_value, value = _split(line)
        if not has_value and name.removeprefix("no") not in switches:
            raise errors.ConfigError(
                f"{origin}: expected --name=value on one line, received {line!r}."
            )
        if name == "flagfile":
            nested = path.parent / _path(value)
            found += _read(nested, switches=switches, readers=readers)
        elif name == "run_dir" and _is_of_run(path):
            found.append((f"--run_dir={path.parent}", origin))
        else:
            found.append((_without_quotes(line, origin), origin))
    return found


def _without_quotes(line: str, origin: str) -> str:
    """Return the line without the quotes around a value that looks like a comment."""
    name, equals, value = line.partition("=")
    if not _LIKE_A_COMMENT.search(line):
        return line
    if not equals or len(value) < 2 or value[0] + value[-1] != '""':
        raise errors.ConfigError(
            f"{origin}: a comment in a flagfile needs a line of its own; if the # is "
            f'part of the value, put it in double quotes: {name}="{value}"'
        )
    return f"{name}={value[1:-1]}"


def _is_of_run(path: Path) -> bool:
    """Return whether a flagfile is that of the run folder in which it lies.

    The folder may have been moved since, and the run is where its flagfile is.
    """
    return path.name == "flags.cfg" and (path.parent / "config.json").is_file()


def _path(text: str) -> Path:
    if "\0" in text:
        raise errors.ConfigError(f"--flagfile: expected a file, received {text!r}.")
    if text.startswith(shipped_configs.PREFIX):
        name = text.removeprefix(shipped_configs.PREFIX)
        return shipped_configs.path(name, source=f"--flagfile={text}")
    return user_paths.expand(text)


def _text(path: Path, readers: tuple[Path, ...]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        nested = len(readers) > 1
        raise errors.ConfigError(
            f"--flagfile: there is no file {path}"
            + (
                f" (named in {readers[-2]}; paths are relative to it)."
                if nested
                else "."
            )
            + _neighbours(path)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigError(
            f"--flagfile: {path} cannot be read as text: {error}."
        ) from error


def _neighbours(path: Path) -> str:
    """Return advice on the file that may have been meant."""
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    return " " + errors.closest(path.name, names) if names else ""
