"""Errors that a user can cause; the command line shows them without a traceback."""

import difflib
import signal
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

_Config = TypeVar("_Config")

# Of a message; a value in it may be as long as a command line.
_MOST_CHARACTERS = 10_000
# What asks a process to end, besides Ctrl-C: spot machines and Slurm send these.
STOP_SIGNALS: tuple[signal.Signals, ...]
if sys.platform == "win32":
    STOP_SIGNALS = (signal.SIGTERM, signal.SIGBREAK)
else:
    STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
# What pip knows kft by: on the package index, kft is another project.
DISTRIBUTION = "kft-keras"


class KftError(Exception):
    """Base of every error that kft explains to its user."""

    def __str__(self) -> str:
        """Return the message, cut in its middle where nobody would read all of it."""
        text = super().__str__()
        if len(text) <= _MOST_CHARACTERS:
            return text
        half = _MOST_CHARACTERS // 2
        left_out = len(text) - 2 * half
        return f"{text[:half]} ... ({left_out:,} characters) ... {text[-half:]}"


class ConfigError(KftError):
    """A flag, or a combination of flags, that cannot work."""


class DataError(KftError):
    """Data that cannot be read or used as it is."""


class RunDirError(KftError):
    """A run folder that is in use, damaged, or of another run."""


class TrainingError(KftError):
    """Training that cannot go on."""


class NotFiniteError(TrainingError):
    """A loss or weights that are NaN or infinite."""


class AccuracyError(KftError):
    """A network that is not as good as the user asked for.

    Args:
        accuracy: of the network, in [0, 1].
        bar: what was asked for.
        what: how the accuracy is called.
        effect: what follows from it, as a sentence.
    """

    def __init__(
        self, accuracy: float, bar: float, what: str = "accuracy", effect: str = ""
    ) -> None:
        text = f"--assert_accuracy_at_least={bar:g}: the {what} is {accuracy:.4f}."
        super().__init__(f"{text} {effect}".rstrip())


class WorkerLostError(TrainingError):
    """Another process of the run is gone; what was saved last is kept.

    Args:
        who: names the process.
    """

    def __init__(self, who: str) -> None:
        super().__init__(
            f"This worker stops, for {who} is gone; the output there may say why. The "
            "last save is kept: start all workers again with the same commands, and "
            "the run goes on from it."
        )


class Interrupted(KftError):
    """A signal stopped the run, in most cases after its state was saved.

    Attributes:
        signal: what was received.
    """

    def __init__(
        self,
        signal: signal.Signals,
        effect: str = "the state is saved. The same command goes on.",
    ) -> None:
        super().__init__(f"Stopped by {signal.name}; {effect}")
        self.signal = signal


def check_all(
    config: _Config,
    checks: Iterable[Callable[[_Config], None]],
    *,
    also: str | None = None,
) -> None:
    """Raise what checks of a config find wrong, all of it as one error.

    Args:
        config: what is checked.
        checks: each raises ConfigError.
        also: what is known to be wrong already.

    Raises:
        ConfigError: with a line or more for each problem.
    """
    problems = [] if also is None else [also]
    for check in checks:
        try:
            check(config)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


def closest(name: str, options: Iterable[str], *, most: int = 5) -> str:
    """Return advice on what `name` may have meant, for the end of a message.

    Args:
        name: what the user wrote.
        options: every legal value.
        most: how many options are listed when none is similar to `name`; with 0 the
            advice is empty then.
    """
    options = list(options)
    lowered = {option.lower(): option for option in options}
    near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.61)
    if not near and len(name) > 2:
        # What was written may be a part of the name.
        near = [option for option in lowered if name.lower() in option][:3]
    if near:
        return f"Did you mean {' or '.join(lowered[option] for option in near)}?"
    if not options or not most:
        return ""
    return f"Possible values: {listed(options, most=most)}."


def excerpt(text: str, *, most: int = 200) -> str:
    """Return a text for a message: its beginning, where it has many characters."""
    if len(text) <= most:
        return text
    return f"{text[:most]}... ({len(text):,} characters)"


def install(extra: str) -> str:
    """Return the command that brings the packages of an extra of kft.

    Args:
        extra: one of `pyproject.toml`, or several with commas between them.
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def listed(names: Iterable[str], *, most: int) -> str:
    """Return names with commas between them; of more than `most`, the first.

    How many there are in all stands behind those.
    """
    names = list(names)
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
