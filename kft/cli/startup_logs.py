"""Silence at the start of a command: TensorFlow's greetings, other packages' logs."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import absl.logging

from kft.cli import tensorflow_import, terminal

_PACKAGE = Path(__file__).parents[1]


def start(*, debug: bool) -> None:
    """Set up the environment and the logs of a command, before TensorFlow is imported.

    What TensorFlow cannot do reaches the user as an exception; its log lines are for
    --debug, or for a TF_CPP_MIN_LOG_LEVEL that the user has set.

    Args:
        debug: whether everything is shown.
    """
    _choose_backend()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(message)s"))
    absl.logging.set_verbosity(absl.logging.DEBUG if debug else absl.logging.INFO)
    logger = absl.logging.get_absl_logger()
    logger.handlers[:] = [handler]
    logger.propagate = False
    if not debug:
        handler.addFilter(_is_for_the_user)
        _say_little()
    tensorflow_import.prepare(quiet=not debug, without_optional=True)


def from_python() -> None:
    """Let TensorFlow start without its greetings in a process that is not kft's own.

    Logging stays what the process has made of it. Does nothing where TensorFlow is
    there already.
    """
    if "tensorflow" not in sys.modules:
        _choose_backend()
        _say_little()
        # What else the process asks of Keras is not ours to know.
        tensorflow_import.prepare(quiet=True, without_optional=False)


def _choose_backend() -> None:
    # kft's networks and loops are TensorFlow's, whatever the user's Keras is set to.
    os.environ["KERAS_BACKEND"] = "tensorflow"


def _say_little() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def without_library_messages() -> Iterator[None]:
    """Show what Python writes to standard error within the block, and nothing else.

    Libraries that decode files write to file descriptor 2 what they think of damaged
    ones, without saying of which; kft says it. With --debug they are shown.
    """
    logger = absl.logging.get_absl_logger()
    if absl.logging.get_verbosity() >= absl.logging.DEBUG:
        yield
        return
    sys.stderr.flush()
    original, kept = os.dup(2), sys.stderr
    with (
        open(os.devnull, "wb") as nowhere,
        open(
            os.dup(original),
            "w",
            buffering=1,
            encoding=kept.encoding,
            errors=kept.errors,
        ) as shown,
    ):
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = shown
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(shown)
        try:
            yield
        finally:
            sys.stderr = kept
            for handler in logger.handlers:
                if isinstance(handler, logging.StreamHandler):
                    handler.setStream(kept)
            os.dup2(original, 2)
            os.close(original)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = terminal.printable(super().format(record))
        if record.levelno < logging.WARNING:
            return text
        return f"{record.levelname.lower()}: {text}"


def _is_for_the_user(record: logging.LogRecord) -> bool:
    """Return whether a log line is kft's own, or another package's warning."""
    own = Path(record.pathname).is_relative_to(_PACKAGE)
    return own or record.levelno >= logging.WARNING
