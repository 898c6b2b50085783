"""The command `kft`, the same as `python -m kft`: runs a command by its name."""

import ast
import importlib.util
import runpy
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import kft
from kft import errors
from kft.cli import help

COMMANDS = (
    "audit",
    "train",
    "tune",
    "find_lr",
    "evaluate",
    "predict",
    "export",
    "demo",
    "report",
    "backbones",
)
_WIDTH = 80  # columns


def main() -> int:
    """Run the command that the first argument names; `--help` lists the commands."""
    return dispatch(sys.argv[1:])


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code where it comes back.

    Args:
        arguments: the command and its own arguments.
    """
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "--helpfull"):
        print(_overview())
        return 0 if arguments else 2
    if name == "--version":
        print(f"kft {kft.__version__}")
        return 0
    if name not in COMMANDS:
        advice = errors.closest(name, COMMANDS, most=len(COMMANDS))
        print(f"error: kft has no command {name!r}. {advice}", file=sys.stderr)
        return 2
    # The same as `python -m kft.NAME`; the command ends with sys.exit.
    sys.argv = [f"kft {name}", *arguments[1:]]
    runpy.run_module(f"kft.{name}", run_name="__main__", alter_sys=True)
    return 0


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        textwrap.fill(
            _summary(name),
            _WIDTH,
            initial_indent=f"  {name:{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
        for name in COMMANDS
    ]
    return "\n".join(
        [
            "usage: kft COMMAND [--name=value ...]",
            "",
            *lines,
            "",
            "kft COMMAND --help lists the flags of a command; python -m kft.COMMAND is",
            "the same command.",
        ]
    )


def _summary(name: str) -> str:
    """Return what a command does, out of its docstring, without running the module."""
    spec = importlib.util.find_spec(f"kft.{name}")
    path = Path(spec.origin)
    if path.name == "__init__.py":
        path = path.with_name("__main__.py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return help.summary(docstring or "")


if __name__ == "__main__":
    sys.exit(main())
