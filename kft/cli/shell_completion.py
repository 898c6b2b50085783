"""Scripts with which shells complete commands, flags, and values of choices."""

import dataclasses
import shlex
import typing
from collections.abc import Mapping, Sequence

from kft.cli import flags
from kft.cli.by_task import ByTask
from kft.config import Config, fields

CommandConfig = type[Config] | ByTask
# Their values: none where any text may follow.
Flags = Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Completed:
    """A command as a shell completes it.

    Attributes:
        summary: what it does.
        flags: with the values of those that are choices.
    """

    summary: str
    flags: Flags


def flags_of(config: CommandConfig) -> Flags:
    """Return the flags of a command, those of all its tasks together."""
    found: dict[str, Sequence[str]] = dict.fromkeys(flags.SPECIAL, ())
    for one in flags.classes_of(config):
        hints = typing.get_type_hints(one)
        for field in dataclasses.fields(one):
            found[field.name] = _values(hints[field.name])
    return found


def _values(hint: object) -> Sequence[str]:
    """Return the texts that a flag may have, () where it may have others."""
    options = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    texts = [one for one in options if isinstance(one, str)]
    if fields.field_type(hint).base is bool:
        return ("true", "false")
    return texts if len(texts) == len(options) else ()


def bash(commands: Mapping[str, Completed]) -> str:
    """Return the script for bash, which breaks words at `=`."""
    cases = []
    for name, command in commands.items():
        words = " ".join(f"--{flag}=" for flag in command.flags)
        choices = "".join(
            f"      --{flag}) words={shlex.quote(' '.join(values))} ;;\n"
            for flag, values in command.flags.items()
            if values
        )
        cases.append(
            f'    {name})\n      words={shlex.quote(words)}\n      case "$flag" in\n'
            f"{choices}      esac ;;\n"
        )
    names = shlex.quote(" ".join(commands))
    return (
        "_kft() {\n"
        '  local current="${COMP_WORDS[COMP_CWORD]}" flag="" words=""\n'
        '  if [ "$current" = "=" ]; then\n'
        '    flag="${COMP_WORDS[COMP_CWORD-1]}"; current=""\n'
        '  elif [ "${COMP_WORDS[COMP_CWORD-1]}" = "=" ]; then\n'
        '    flag="${COMP_WORDS[COMP_CWORD-2]}"\n'
        "  fi\n"
        '  if [ "$COMP_CWORD" -eq 1 ]; then\n'
        f'    COMPREPLY=($(compgen -W {names} -- "$current")); return\n'
        "  fi\n"
        '  case "${COMP_WORDS[1]}" in\n' + "".join(cases) + "  esac\n"
        '  if [ -n "$flag" ] && [ "${words#--}" != "$words" ]; then words=""; fi\n'
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))\n'
        '  if [[ "${COMPREPLY[0]}" == *= ]]; then compopt -o nospace; fi\n'
        "}\n"
        "complete -o default -F _kft kft\n"
    )


def zsh(commands: Mapping[str, Completed]) -> str:
    """Return the script for zsh, which understands that of bash."""
    head = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit\n"
    return f"{head}bashcompinit\n{bash(commands)}"


def fish(commands: Mapping[str, Completed]) -> str:
    """Return the script for fish."""
    lines = ["complete -c kft -n __fish_use_subcommand -f"]
    for name, command in commands.items():
        summary = shlex.quote(command.summary)
        lines.append(
            f"complete -c kft -n __fish_use_subcommand -f -a {name} -d {summary}"
        )
        within = shlex.quote(f"__fish_seen_subcommand_from {name}")
        for flag, values in command.flags.items():
            choice = f" -f -a {shlex.quote(' '.join(values))}" if values else ""
            lines.append(f"complete -c kft -n {within} -l {flag} -r{choice}")
    return "\n".join([*lines, ""])


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
