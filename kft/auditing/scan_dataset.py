"""Look at every image of a data set, in as many processes as there are cores."""

import collections
import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import process

import numpy as np

from kft import errors
from kft.auditing import image_stats
from kft.data.examples import Examples
from kft.data.sources import filesystem
from kft.data.sources.file_reader import Files

_CHUNK = 16
_WAITING_CHUNKS = 4  # for each process


def survey(
    parts: Sequence[Examples], *, max_pixels: int, advance: Callable[[int], None]
) -> list[image_stats.Look]:
    """Return what the images of these parts are like, in their order.

    Args:
        parts: the splits.
        max_pixels: larger images count as unreadable.
        advance: called with how many more images have been looked at.

    Raises:
        errors.DataError: where an image ends the process that reads it.
    """
    found: list[image_stats.Look] = []
    workers = os.cpu_count() or 1
    # TensorFlow's threads do not live through a fork.
    context = multiprocessing.get_context("spawn")
    waiting: collections.deque = collections.deque()

    def take() -> None:
        ids, future = waiting.popleft()
        found.extend(_result(ids, future))
        advance(len(ids))

    with concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=context, initializer=image_stats.start
    ) as pool:
        for ids, sources in _chunks(parts):
            try:
                future = pool.submit(image_stats.look_at, sources, max_pixels)
            except process.BrokenProcessPool as error:
                # The first result that does not come says which images it was.
                while waiting:
                    take()
                raise _ended(ids) from error
            waiting.append((ids, future))
            if len(waiting) > workers * _WAITING_CHUNKS:
                take()
        while waiting:
            take()
    return found


def sources(part: Examples, positions: np.ndarray) -> list[image_stats.Source]:
    """Return where the images at these positions are, or their bytes.

    Local files are left to the processes that look at them.
    """
    rows = part.rows[positions]
    if isinstance(part.read, Files):
        paths = [part.read.paths[row] for row in rows]
        if not any(map(filesystem.is_remote, paths)):
            return paths
    return [_read(part, row) for row in rows]


def _read(part: Examples, row: int) -> image_stats.Source:
    """Return the bytes of a row, or why they cannot be read."""
    import tensorflow as tf

    from kft.data import bad_examples

    try:
        return part.read(tf.constant([row])).numpy()[0]
    except tf.errors.OpError as error:
        return image_stats.Unread(bad_examples.first_line(error))


def _chunks(
    parts: Sequence[Examples],
) -> Iterator[tuple[Sequence[str], list[image_stats.Source]]]:
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            chosen = np.arange(start, min(start + _CHUNK, len(part)))
            yield part.ids[chosen].tolist(), sources(part, chosen)


def _result(
    ids: Sequence[str], future: concurrent.futures.Future
) -> Sequence[image_stats.Look]:
    try:
        return future.result()
    except process.BrokenProcessPool as error:
        raise _ended(ids) from error


def _ended(ids: Sequence[str]) -> errors.DataError:
    return errors.DataError(
        "Looking at an image ended the process that did it, most likely for want "
        f"of memory. It is one of these, or of those after them: {', '.join(ids)}. "
        "Lower --max_pixels, or remove it."
    )
