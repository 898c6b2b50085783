"""Silence at the start of a command: TensorFlow's greetings, other packages' logs.

TensorFlow 2.21 writes some greetings to file descriptor 2 before it reads
TF_CPP_MIN_LOG_LEVEL. They are caught there while it is imported, and what is no
greeting is written out afterwards.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import absl.logging

from kft.cli import terminal

_INFO_OR_WARNING = re.compile(r"[IW]\d{4} \d\d:\d\d:|WARNING: All log messages before")
_NO_GPU = re.compile(r"E\d{4} .*failed call to cuInit")
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
    if debug:
        return
    handler.addFilter(_is_for_the_user)
    _import_quietly()


def from_python() -> None:
    """Let TensorFlow start without its greetings in a process that is not kft's own.

    Logging stays what the process has made of it. Does nothing where TensorFlow is
    there already.
    """
    if "tensorflow" not in sys.modules:
        _choose_backend()
        _import_quietly()


def _choose_backend() -> None:
    # kft's networks and loops are TensorFlow's, whatever the user's Keras is set to.
    os.environ["KERAS_BACKEND"] = "tensorflow"


def _import_quietly() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietImport())


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


class _QuietImport(importlib.abc.MetaPathFinder):
    """Catches what TensorFlow writes while it is imported for the first time."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return TensorFlow's spec with a quiet loader, None for all other modules."""
        del path, target
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader = spec.loader
            execute = loader.exec_module

            def execute_quietly(module: ModuleType) -> None:
                with _without_greetings():
                    execute(module)
                    # Looking for GPUs greets as well, and it is done once.
                    module.config.list_physical_devices()

            loader.exec_module = execute_quietly  # type: ignore[method-assign]  # of one loader
        return spec


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    """Hold back file descriptor 2 within the block; then write all but greetings."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not _is_greeting(line):
                    sys.stderr.write(line)


def _is_greeting(line: str) -> bool:
    # On a machine with a GPU the failed call explains why it is not used.
    has_gpu = Path("/dev/nvidiactl").exists()
    return bool(_INFO_OR_WARNING.match(line) or (_NO_GPU.match(line) and not has_gpu))
