"""The text of --help: a command's docstring, and its flags in groups."""

import dataclasses
import textwrap
import typing
from collections.abc import Sequence

from kft.config import Config, fields, flagfile

_SPECIAL = (
    (
        "--flagfile=FILE",
        "Flags out of a file, one --name=value a line; they count where the file is "
        "named, and later flags win. Comments are lines of their own.",
    ),
    ("--debug", "Show tracebacks, and all that TensorFlow says."),
    ("--version", "Print the version."),
    ("--help", "Print this."),
)
_NAMES = {str: "TEXT", int: "INT", float: "NUMBER", tuple: "NAME,..."}


def usage(
    command: str,
    docstring: str,
    config_class: type[Config],
    *,
    positional: str | None,
    width: int,
) -> str:
    """Return what --help prints.

    Args:
        command: what the user types, such as `python -m kft.train`.
        docstring: of the command's module.
        config_class: the config whose fields are the flags.
        positional: the field that takes the arguments without a name.
        width: of the terminal, in columns.
    """
    unnamed = f" {positional.upper()}..." if positional else ""
    parts = [
        f"usage: {command} [--name=value ...]{unnamed}",
        _wrapped_paragraphs(docstring, width),
    ]
    hints = typing.get_type_hints(config_class)
    for title, part in flagfile.groups(config_class):
        entries = [_entry(f, hints[f.name], positional, width) for f in part]
        parts.append("\n".join([*textwrap.wrap(f"{title}:", width), *entries]))
    special = [_described(head, text, width) for head, text in _SPECIAL]
    parts.append("\n".join(["Of every command:", *special]))
    return "\n\n".join(parts) + "\n"


def _wrapped_paragraphs(docstring: str, width: int) -> str:
    """Return a docstring to fit the width; indented lines stay as they are."""
    paragraphs = docstring.strip().split("\n\n")
    return "\n\n".join(
        paragraph if _is_verbatim(paragraph) else textwrap.fill(paragraph, width)
        for paragraph in paragraphs
    )


def _is_verbatim(paragraph: str) -> bool:
    return any(line.startswith(" ") for line in paragraph.split("\n"))


def _entry(
    field: dataclasses.Field, annotation: typing.Any, positional: str | None, width: int
) -> str:
    expected = fields.field_type(annotation)
    if field.name == positional:
        head = f"{field.name.upper()}..."
    elif expected.base is bool:
        head = f"--[no]{field.name}"
    elif expected.choices:
        head = f"--{field.name}={'|'.join(expected.choices)}"
    else:
        head = f"--{field.name}={'|'.join((_NAMES[expected.base], *expected.words))}"
    if field.default is dataclasses.MISSING:
        default = "needed"
    else:
        default = flagfile.format_value(field.default) or "empty"
    return _described(head, f"{field.metadata['help']} [{default}]", width)


def _described(head: str, text: str, width: int) -> str:
    body = textwrap.wrap(
        text,
        width,
        initial_indent=" " * 6,
        subsequent_indent=" " * 6,
        break_on_hyphens=False,
    )
    return "\n".join([f"  {head}", *body])


def summary(docstring: str) -> str:
    """Return the first sentence of a command's docstring, for the list of commands."""
    first: Sequence[str] = docstring.strip().split("\n\n")[0].split("\n")
    return " ".join(first).rstrip(".")
