"""Processes that run an export as a stranger would, begun before there is one.

Python and the package that runs a format need seconds to start. Writing an export keeps
one core busy meanwhile.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors, exporters
from kft.cli import child_process
from kft.exporters import standalone_runner
from kft.exporters.standalone_runner import Job

_TIMEOUT_SECONDS = 900
_SHOWN_CHARACTERS = 2000


class ExportFailedError(errors.KftError):
    """An export that cannot be run."""


class StandaloneProcess:
    """A process that waits for an export of one format; see `standalone_runner`.

    It ends when it has answered, and when this process is gone.
    """

    def __init__(self, name: str) -> None:
        """Start it; `name` is that of the format."""
        exporter = exporters.EXPORTERS[name]
        # A pipe that nobody reads would stop it once it is full. `close` closes it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [
                # -P keeps kft's own folder off the path, where names of other packages
                # occur.
                *(sys.executable, "-P", standalone_runner.__file__),
                *(str(exporter.format.__file__), exporter.runner or "tensorflow"),
            ],
            # This process may hold all memory of the GPU, and another device would not
            # give the same digits.
            env={**child_process.environment(), "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            text=True,
        )

    def ask(
        self,
        export: Path,
        questions: Mapping[str, Any],
        *,
        output: str,
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """Return what an export answers, see `standalone_runner`. Call it once.

        Args:
            export: the file or folder that is loaded.
            questions: arrays as the runner reads them.
            output: of the export, that has the scores.
            seconds: for which each of two speeds is measured.

        Raises:
            ExportFailedError: where it cannot be run, with the end of what is said.
        """
        with tempfile.TemporaryDirectory(prefix="kft-parity-") as folder:
            asked, answered = Path(folder, "questions.npz"), Path(folder, "answers.npz")
            np.savez(asked, **questions)
            job = Job(str(export), output, str(asked), str(answered), seconds)
            try:
                self._process.communicate(
                    json.dumps(job._asdict()), timeout=_TIMEOUT_SECONDS
                )
            except subprocess.TimeoutExpired as error:
                raise ExportFailedError(
                    f"The export {export} has not answered within {_TIMEOUT_SECONDS} s."
                ) from error
            if self._process.returncode:
                raise ExportFailedError(
                    f"The export {export} cannot be run:\n{self._last_words()}"
                )
            with np.load(answered) as file:
                return dict(file)

    def close(self) -> None:
        """Kill it, if it is still there."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        return self._said.read().decode(errors="replace")[-_SHOWN_CHARACTERS:]


class StandaloneProcesses:
    """One process for each of some formats, begun when the one before has ended.

    So it starts while its export is being written. Use it as a context manager.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Start that of the first.

        Args:
            names: of formats, in the order of their use.
        """
        self._names = list(names)
        self._next: StandaloneProcess | None = None
        self._begin()

    def __enter__(self) -> "StandaloneProcesses":
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process that nobody has asked for."""
        if self._next is not None:
            self._next.close()

    @contextlib.contextmanager
    def next(self) -> Iterator[StandaloneProcess]:
        """Give the process of the next format, and end it after the block.

        Raises:
            ValueError: where all formats had theirs.
        """
        process, self._next = self._next, None
        if process is None:
            raise ValueError("expected a format without a process, there is none")
        try:
            yield process
        finally:
            process.close()
        # Not before: it would disturb what is timed.
        self._begin()

    def _begin(self) -> None:
        if self._names:
            self._next = StandaloneProcess(self._names.pop(0))
