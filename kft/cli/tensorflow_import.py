"""TensorFlow's import in a command: without its greetings, and in half the time.

TensorFlow 2.21 writes some greetings to file descriptor 2 before it reads
TF_CPP_MIN_LOG_LEVEL. They are caught there while it is imported, and what is no
greeting is written out afterwards.

Keras 3.15 imports matplotlib, pandas and scikit-learn where they are installed, to draw
boxes, to slice frames and to look like an estimator, and TensorFlow's old Keras does so
with scipy. A command of kft asks Keras for none of that: 6.6 s of CPU time became 3.8.
"""

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

OPTIONAL = ("matplotlib", "pandas", "scipy", "sklearn")
# Each imports the other.
_EITHER = ("keras", "tensorflow")
_INFO_OR_WARNING = re.compile(r"[IW]\d{4} \d\d:\d\d:|WARNING: All log messages before")
_NO_GPU = re.compile(r"E\d{4} .*failed call to cuInit")


def prepare(*, quiet: bool, without_optional: bool) -> None:
    """Let TensorFlow and Keras be imported in this way, whoever imports them first.

    Does nothing where one of them is there already.

    Args:
        quiet: without TensorFlow's greetings.
        without_optional: while they are imported, the packages of `OPTIONAL` are not to
            be had, unless they are imported already. Keras does without them from then
            on, everybody else has them afterwards.
    """
    if not any(name in sys.modules for name in _EITHER):
        finder = _Import(quiet=quiet, without_optional=without_optional)
        sys.meta_path.insert(0, finder)


class _Import(importlib.abc.MetaPathFinder):
    """Stands by while TensorFlow is imported for the first time."""

    def __init__(self, *, quiet: bool, without_optional: bool) -> None:
        self._quiet = quiet
        self._without_optional = without_optional

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of the first of both with a loader of ours, or None."""
        del path, target
        if fullname not in _EITHER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader = spec.loader
            execute = loader.exec_module

            def execute_so(module: ModuleType) -> None:
                with contextlib.ExitStack() as stack:
                    if self._quiet:
                        stack.enter_context(_without_greetings())
                    if self._without_optional:
                        stack.enter_context(_without_packages(OPTIONAL))
                    execute(module)
                    tensorflow, _ = map(importlib.import_module, reversed(_EITHER))
                    # Looking for GPUs greets as well, and it is done once.
                    tensorflow.config.list_physical_devices()

            loader.exec_module = execute_so  # type: ignore[method-assign]  # of one loader
        return spec


@contextlib.contextmanager
def _without_packages(names: Sequence[str]) -> Iterator[None]:
    """Let imports of packages fail within the block, if they are not there already."""
    missing = [name for name in names if name not in sys.modules]
    # As the import system has it: None stands for a module that cannot be imported.
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


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
