"""The command `kft`, the same as `python -m kft`: runs a command by its name."""

import importlib
import sys
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import kft
from kft import errors
from kft.cli import terminal

_WIDTH = 80  # columns


class Entry(NamedTuple):
    """Where a command is, and what it does.

    Attributes:
        module: has a `kft.cli.command.Command` called COMMAND. It is imported when the
            command is chosen.
        summary: the first sentence of the module's docstring.
    """

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "audit": Entry("kft.audit", "Look at data before anybody trains on it"),
    "train": Entry("kft.train", "Fine-tune a pretrained network"),
    "tune": Entry(
        "kft.tune",
        "Search the settings of a run: learning rates, epochs, what to unfreeze, and "
        "others",
    ),
    "find_lr": Entry(
        "kft.find_lr",
        "Find a learning rate: train some steps of each stage while the rate grows",
    ),
    "evaluate": Entry(
        "kft.evaluate", "Measure a finished run on one of its splits, or on other data"
    ),
    "predict": Entry(
        "kft.predict",
        "Predict with a finished run or an export, such as what an image shows",
    ),
    "export": Entry(
        "kft.export",
        "Export a finished run, and prove that each export answers as the network does",
    ),
    "demo": Entry(
        "kft.demo", "Try a finished run, or an export, on a page in the browser"
    ),
    "report": Entry(
        "kft.report", "Write the report of a finished run again, or compare runs"
    ),
    "configs": Entry(
        "kft.configs",
        "List the configs that come with kft, or copy some to change them",
    ),
    "completion": Entry(
        "kft.completion",
        "Print a script with which a shell completes commands and flags of kft",
    ),
    "backbones": Entry(
        "kft.backbones.__main__",
        "List the pretrained networks: size, input, and where each can be cut",
    ),
}


def main() -> int:
    """Run the command that the first argument names; `--help` lists the commands."""
    return dispatch(sys.argv[1:])


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code.

    Args:
        arguments: the command and its own arguments.
    """
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "--helpfull", "help"):
        terminal.show(_overview())
        return 0 if arguments else 2
    if name == "--version":
        terminal.show(f"kft {kft.__version__}")
        return 0
    if name not in COMMANDS:
        advice = errors.closest(name, COMMANDS, most=len(COMMANDS))
        terminal.complain(f"error: kft has no command {name!r}. {advice}")
        return 2
    # Slow to import: not before a command is chosen.
    from kft.cli import command

    module = importlib.import_module(COMMANDS[name].module)
    # As `python -m kft.NAME` has it; a run folder keeps the command that began it.
    sys.argv = [str(module.__file__), *arguments[1:]]
    return command.execute(module.COMMAND, arguments[1:])


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        textwrap.fill(
            entry.summary,
            _WIDTH,
            initial_indent=f"  {name:{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
        for name, entry in COMMANDS.items()
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


if __name__ == "__main__":
    sys.exit(main())
