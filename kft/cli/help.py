"""The text of --help: a command's docstring, and its flags in groups."""

import dataclasses
import textwrap
import typing
from collections.abc import Sequence
from typing import Any

from kft.cli.by_task import TASK, ByTask
from kft.config import Config, fields, flagfile

_SPECIAL = (
    (
        "--flagfile=FILE",
        "Flags out of a file, one --name=value a line, or out of a config that comes "
        "with kft (kft:quickstart); they count where the file is named, and later "
        "flags win. Comments are lines of their own.",
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
    by_task: ByTask | None = None,
) -> str:
    """Return what --help prints.

    Args:
        command: what the user types, such as `python -m kft.train`.
        docstring: of the command's module.
        config_class: the config whose fields are the flags.
        positional: the field that takes the arguments without a name.
        width: of the terminal, in columns.
        by_task: how the config follows from `--task`, where it does; then the flags of
            its task come after those that all tasks share.
    """
    unnamed = f" {_unnamed(config_class, positional)}" if positional else ""
    parts = [
        f"usage: {command} [--name=value ...]{unnamed}",
        _wrapped_paragraphs(docstring, width),
    ]
    common, own = _split_groups(config_class, by_task)
    for group in common:
        parts.append(_group(group, config_class, positional, width, by_task))
    if by_task is not None and own:
        task = {f.name: f.default for f in dataclasses.fields(config_class)}[TASK]
        text = (
            f"The flags of --{TASK}={task} (--help --{TASK}=NAME lists those of "
            "another task):"
        )
        parts.append(textwrap.fill(text, width, break_on_hyphens=False))
    for group in own:
        parts.append(_group(group, config_class, positional, width, by_task))
    special = [_described(head, text, width) for head, text in _SPECIAL]
    parts.append("\n".join(["Of every command:", *special]))
    return "\n\n".join(parts) + "\n"


def _unnamed(config_class: type[Config], positional: str) -> str:
    """Return how the usage calls the arguments without a name."""
    annotation = typing.get_type_hints(config_class)[positional]
    is_tuple = fields.field_type(annotation).base is tuple
    return f"{positional.upper()}{'...' if is_tuple else ''}"


_Group = tuple[str, Sequence[dataclasses.Field[Any]]]


def _split_groups(
    config_class: type[Config], by_task: ByTask | None
) -> tuple[list[_Group], list[_Group]]:
    """Return the groups of flags that all tasks share, and those of one task."""
    groups = list(flagfile.groups(config_class))
    if by_task is None:
        return groups, []
    shown = fields.names(by_task.shown or config_class)
    common, own = [], []
    for group in groups:
        name = group[1][0].name
        if not by_task.is_common(name):
            own.append(group)
        elif name in shown:
            common.append(group)
    return common, own


def _group(
    group: _Group,
    config_class: type[Config],
    positional: str | None,
    width: int,
    by_task: ByTask | None,
) -> str:
    """Return the title of a group and an entry for each of its flags."""
    hints = typing.get_type_hints(config_class)
    title, part = group
    lines = textwrap.wrap(f"{title}:", width)
    for field in part:
        if field.name == TASK and by_task is not None:
            lines.append(_task_entry(field, by_task, width))
        else:
            needs_value = by_task is not None and field.name in by_task.needed
            lines.append(
                _entry(
                    field,
                    hints[field.name],
                    positional,
                    width,
                    has_default=not needs_value,
                )
            )
    return "\n".join(lines)


def _task_entry(field: dataclasses.Field[Any], by_task: ByTask, width: int) -> str:
    """Return the entry of `--task`, with what each of them is."""
    tasks = by_task.tasks()
    meanings = [f"{name}: {task.summary}" for name, task in tasks.items()]
    text = f"{field.metadata['help']} {'; '.join(meanings)}. [{field.default}]"
    return _described(f"--{field.name}={'|'.join(tasks)}", text, width)


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
    field: dataclasses.Field[Any],
    annotation: Any,
    positional: str | None,
    width: int,
    *,
    has_default: bool,
) -> str:
    expected = fields.field_type(annotation)
    if field.name == positional and expected.base is tuple:
        head = f"{field.name.upper()}..."
    elif field.name == positional:
        head = f"{field.name.upper()} or --{field.name}={_NAMES[expected.base]}"
    elif expected.base is bool:
        head = f"--[no]{field.name}"
    elif expected.choices:
        head = f"--{field.name}={'|'.join(expected.choices)}"
    else:
        head = f"--{field.name}={'|'.join((_NAMES[expected.base], *expected.words))}"
    if field.default is dataclasses.MISSING or not has_default:
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
