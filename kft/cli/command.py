"""The edge of every command: flags in, exit code out.

Exit codes: 0 done; 1 an error in kft itself, or images that a command complains
about; 2 a mistake that the message explains; 3 an accuracy below
--assert_accuracy_at_least; 75 a signal or the loss of a worker stopped the run, its
state is saved, and the same command goes on; 130 Ctrl-C; 141 the reader of the output
went away.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NoReturn

import kft
from kft import errors
from kft.cli import flags, help, startup_logs
from kft.config import Config

EXIT_OK = 0
EXIT_INTERNAL_ERROR = 1
EXIT_USAGE = 2
EXIT_BELOW_TARGET = 3
EXIT_RESUMABLE = 75  # EX_TEMPFAIL of sysexits.h: try again
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE
_MAX_WIDTH = 100


def run(
    config_class: type[Config],
    main: Callable[..., None],
    *,
    positional: str | None = None,
    with_given: bool = False,
    shown: type[Config] | None = None,
) -> NoReturn:
    """Run a command with the flags of this process, and exit.

    Args:
        config_class: its fields are the flags.
        main: does the work; imports TensorFlow inside, so that --help is quick. Its
            module's docstring opens --help.
        positional: the tuple field that takes the arguments without a name.
        with_given: whether `main` takes a second argument, the names of the fields that
            were written on the command line or in a flagfile.
        shown: the config whose fields --help lists; default all of `config_class`.
    """
    code = execute(
        config_class,
        main,
        sys.argv[1:],
        positional=positional,
        with_given=with_given,
        shown=shown,
    )
    sys.exit(code)


def execute(
    config_class: type[Config],
    main: Callable[..., None],
    arguments: Sequence[str],
    *,
    positional: str | None = None,
    with_given: bool = False,
    shown: type[Config] | None = None,
) -> int:
    """Run a command and return its exit code; arguments are those of `run`."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in own
    try:
        if {"-h", "--help", "--helpfull"}.intersection(own):
            _write(_help(shown or config_class, main, positional))
        elif "--version" in own:
            _write(f"kft {kft.__version__}\n")
        else:
            kept = [argument for argument in own if argument != "--debug"]
            kept += arguments[len(own) :]
            parsed = flags.parse(config_class, kept, positional=positional)
            startup_logs.start(debug=debug)
            if with_given:
                main(parsed.config, parsed.given)
            else:
                main(parsed.config)
            sys.stdout.flush()
        return EXIT_OK
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, the outermost edge
        return _explain(error, debug=debug)


def _explain(error: BaseException, *, debug: bool) -> int:
    """Write what happened to stderr, and return the exit code."""
    is_bug = not isinstance(error, (errors.KftError, KeyboardInterrupt))
    if debug or is_bug:
        traceback.print_exception(error)
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
    print(message, file=sys.stderr)
    return code


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _help(
    config_class: type[Config], main: Callable[..., None], positional: str | None
) -> str:
    module = sys.modules[main.__module__]
    return help.usage(
        f"python -m {_command(module)}",
        module.__doc__ or "",
        config_class,
        positional=positional,
        width=min(shutil.get_terminal_size().columns, _MAX_WIDTH),
    )


def _command(module: ModuleType) -> str:
    """Return what stands after `python -m` for the module of a command."""
    name = module.__spec__.name if module.__spec__ else module.__name__
    return name.removesuffix(".__main__")
