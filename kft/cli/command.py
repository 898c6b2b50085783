"""The edge of every command: flags in, exit code out.

Exit codes: 0 done; 1 an error in kft itself, or files that a command complains
about; 2 a mistake that the message explains; 3 an accuracy below
--assert_accuracy_at_least; 75 a signal or the loss of a worker stopped the command,
nothing is half-written, the state of a run is saved, and the same command goes on; 130
Ctrl-C; 141 the reader of the output went away.
"""

import dataclasses
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import kft
from kft import errors
from kft.cli import (
    flags,
    help,
    output_encoding,
    startup_logs,
    stop_signals,
    terminal,
)
from kft.cli.by_task import ByTask, chosen_task
from kft.config import Config

EXIT_OK = 0
EXIT_INTERNAL_ERROR = 1
EXIT_USAGE = 2
EXIT_BELOW_TARGET = 3
EXIT_RESUMABLE = 75  # EX_TEMPFAIL of sysexits.h: try again
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 128 + 13  # SIGPIPE, which Windows lacks
_MAX_WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of kft.

    Attributes:
        name: what stands behind `python -m kft.`.
        description: opens --help; the docstring of its module. Lines that are indented
            stay as they are.
        config: its fields are the flags; or how it follows from `--task`.
        main: does the work, with the config; imports TensorFlow inside, so that --help
            is quick.
        positional: the field that takes the arguments without a name: a tuple of all,
            or the value of one, which has a flag as well.
        with_given: whether `main` takes a second argument, the names of the fields that
            were written on the command line or in a flagfile.
    """

    name: str
    description: str | None
    config: type[Config] | ByTask
    main: Callable[..., None]
    positional: str | None = None
    with_given: bool = False


def run(command: Command) -> NoReturn:
    """Run a command with the flags of this process, and exit."""
    sys.exit(execute(command, sys.argv[1:]))


def execute(command: Command, arguments: Sequence[str]) -> int:
    """Run a command with these flags, and return its exit code.

    The process is to end with it: once Ctrl-C has ended the command, no other is heard.
    """
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in own
    output_encoding.escape_what_is_missing()
    try:
        if {"-h", "--help", "--helpfull"}.intersection(own):
            width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
            _write(help_text(command, own, width=width))
        elif "--version" in own:
            _write(f"kft {kft.__version__}\n")
        else:
            kept = [argument for argument in own if argument != "--debug"]
            kept += arguments[len(own) :]
            parsed = flags.parse(command.config, kept, positional=command.positional)
            startup_logs.start(debug=debug)
            with stop_signals.raising():
                if command.with_given:
                    command.main(parsed.config, parsed.given)
                else:
                    command.main(parsed.config)
                sys.stdout.flush()
        return EXIT_OK
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_BROKEN_PIPE
    except stop_signals.Stopped as error:
        terminal.complain(str(error))
        return EXIT_RESUMABLE
    except KeyboardInterrupt as error:
        stop_signals.ignore_ctrl_c()
        return _explain(error, debug=debug)
    except Exception as error:  # noqa: BLE001, the outermost edge
        return _explain(error, debug=debug)


def _explain(error: BaseException, *, debug: bool) -> int:
    """Write what happened to stderr, and return the exit code."""
    is_bug = not isinstance(error, (errors.KftError, KeyboardInterrupt))
    if debug or is_bug:
        terminal.complain("".join(traceback.format_exception(error)).rstrip("\n"))
    if isinstance(error, KeyboardInterrupt):
        message, code = "Interrupted.", EXIT_INTERRUPTED
    elif isinstance(error, errors.Interrupted):
        by_user = error.signal == signal.SIGINT
        message, code = str(error), EXIT_INTERRUPTED if by_user else EXIT_RESUMABLE
    elif isinstance(error, errors.WorkerLostError):
        message, code = f"error: {error}", EXIT_RESUMABLE
    elif isinstance(error, errors.AccuracyError):
        message, code = f"error: {error}", EXIT_BELOW_TARGET
    elif isinstance(error, errors.KftError):
        message, code = f"error: {error}", EXIT_USAGE
    else:
        message = (
            "error: this is a bug in kft, or in a package below it, not a mistake of "
            "yours. Please report it with the traceback above and the command."
        )
        code = EXIT_INTERNAL_ERROR
    terminal.complain(message)
    return code


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def help_text(command: Command, arguments: Sequence[str], *, width: int) -> str:
    """Return what --help says, for the task that the arguments name.

    Args:
        command: of kft.
        arguments: of it; only --task counts.
        width: in characters.
    """
    by_task = command.config if isinstance(command.config, ByTask) else None
    if isinstance(command.config, ByTask):
        config_class = command.config.config_class(chosen_task(arguments))
    else:
        config_class = command.config
    return help.usage(
        f"python -m kft.{command.name}",
        command.description or "",
        config_class,
        positional=command.positional,
        width=width,
        by_task=by_task,
    )
