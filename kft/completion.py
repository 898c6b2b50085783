"""Print a script with which a shell completes commands and flags of kft.

  python -m kft.completion bash

For all shells to come: kft completion bash >> ~/.bashrc, kft completion zsh >>
~/.zshrc, or kft completion fish > ~/.config/fish/completions/kft.fish
"""

import importlib

from kft import __main__ as kft_main
from kft.cli import command, shell_completion, terminal
from kft.cli.shell_completion import Completed
from kft.config import CompletionConfig


def main(config: CompletionConfig) -> None:
    """Write the script of a shell."""
    commands = {
        name: Completed(entry.summary, shell_completion.flags_of(_config(entry.module)))
        for name, entry in kft_main.COMMANDS.items()
    }
    script = shell_completion.SHELLS[config.shell](commands)
    terminal.show_data(script.rstrip("\n"))


def _config(module: str) -> shell_completion.CommandConfig:
    found: command.Command = importlib.import_module(module).COMMAND
    return found.config


COMMAND = command.Command(
    name="completion",
    description=__doc__,
    config=CompletionConfig,
    main=main,
    positional="shell",
)

if __name__ == "__main__":
    command.run(COMMAND)
