"""The inspection of every example, in as many processes as there are cores."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import process

import numpy as np

from kft import errors
from kft.auditing.checks import Checks, Facts
from kft.cli import child_process
from kft.data.examples import Examples
from kft.data.sources import filesystem
from kft.data.sources.file_reader import Files

_CHUNK = 16
_WAITING_CHUNKS = 4  # for each process


@dataclasses.dataclass(frozen=True)
class Unread:
    """Stands for bytes that could not be read.

    Attributes:
        reason: one line.
    """

    reason: str


# The path of a local file, the bytes of an example, or why there are none.
Payload = str | bytes | Unread


@dataclasses.dataclass(frozen=True, slots=True)
class Inspection:
    """What came of inspecting an example.

    Attributes:
        reason: why it cannot be read, one line; None for a good one. Nothing below is
            known of a bad one.
        digest: SHA-256 of the bytes.
        facts: of `Checks.inspect`.
    """

    reason: str | None = None
    digest: bytes = b""
    facts: Facts = None


# Ids of examples, and what comes of inspecting them.
_Pending = tuple[Sequence[str], concurrent.futures.Future[list[Inspection]]]


def scan(
    parts: Sequence[Examples], checks: Checks, *, advance: Callable[[int], None]
) -> list[Inspection]:
    """Return what the examples of these parts are like, in their order.

    Args:
        parts: the splits.
        checks: of their kind of data.
        advance: called with how many more examples have been inspected.

    Raises:
        errors.DataError: where an example ends the process that reads it.
    """
    inspections: list[Inspection] = []
    workers = os.cpu_count() or 1
    # TensorFlow's threads do not live through a fork.
    context = multiprocessing.get_context("spawn")
    waiting: collections.deque[_Pending] = collections.deque()

    def take() -> None:
        ids, future = waiting.popleft()
        inspections.extend(_result(ids, future))
        advance(len(ids))

    with (
        child_process.safe_path(),
        concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start, initargs=(checks,)
        ) as pool,
    ):
        for ids, payloads in _chunks(parts):
            try:
                future = pool.submit(inspect, payloads, checks)
            except process.BrokenProcessPool as error:
                # The first result that does not come says which examples it was.
                while waiting:
                    take()
                raise _ended(ids) from error
            waiting.append((ids, future))
            if len(waiting) > workers * _WAITING_CHUNKS:
                take()
        while waiting:
            take()
    return inspections


def inspect(payloads: Sequence[Payload], checks: Checks) -> list[Inspection]:
    """Return what examples are like, each read to its end."""
    return [_inspect(payload, checks) for payload in payloads]


def content(payload: Payload) -> bytes:
    """Return the bytes of an example.

    Raises:
        ValueError: where they could not be read.
        OSError: where they cannot be read.
    """
    if isinstance(payload, Unread):
        raise ValueError(payload.reason)
    if isinstance(payload, bytes):
        return payload
    with open(payload, "rb") as file:
        return file.read()


def payloads(part: Examples, positions: np.ndarray) -> list[Payload]:
    """Return where the examples at these positions are, or their bytes.

    Local files are left to the processes that inspect them.
    """
    rows = part.rows[positions]
    if isinstance(part.read, Files):
        paths = [part.read.paths[row] for row in rows]
        if not any(map(filesystem.is_remote, paths)):
            return paths
    return [_read(part, row) for row in rows]


def _start(checks: Checks) -> None:
    """Make a process ready: Ctrl-C is for the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    checks.start_process()


def _inspect(payload: Payload, checks: Checks) -> Inspection:
    try:
        encoded = content(payload)
        facts = checks.inspect(encoded)
    # Decoders raise errors of many kinds for damaged files.
    except Exception as error:  # noqa: BLE001
        return Inspection(reason=_reason(error))
    return Inspection(digest=hashlib.sha256(encoded).digest(), facts=facts)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _read(part: Examples, row: int) -> Payload:
    """Return the bytes of a row, or why they cannot be read."""
    import tensorflow as tf

    from kft.data import bad_examples

    try:
        payload: bytes = part.read(tf.constant([row])).numpy()[0]
    except tf.errors.OpError as error:
        return Unread(bad_examples.first_line(error))
    return payload


def _chunks(
    parts: Sequence[Examples],
) -> Iterator[tuple[Sequence[str], list[Payload]]]:
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            chosen = np.arange(start, min(start + _CHUNK, len(part)))
            yield part.ids[chosen].tolist(), payloads(part, chosen)


def _result(
    ids: Sequence[str], future: concurrent.futures.Future[list[Inspection]]
) -> Sequence[Inspection]:
    try:
        return future.result()
    except process.BrokenProcessPool as error:
        raise _ended(ids) from error


def _ended(ids: Sequence[str]) -> errors.DataError:
    return errors.DataError(
        "Inspecting an example ended the process that did it, most likely for want of "
        f"memory. It is one of these, or of those after them: {', '.join(ids)}. "
        "Remove it, or lower the limit on how large an example may be."
    )
