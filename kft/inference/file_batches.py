"""Files as batches of inputs, read and decoded while the batch before is computed."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data import dataset_options
from kft.inference.input_files import InputFiles
from kft.inference.predictor import Predictor
from kft.tasks.task import Tree

# Batches that are made while one is computed.
_BATCHES_AHEAD = 2
# Files that are prepared together, by tasks that do.
_CHUNK = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class FileBatch:
    """Files that can be read, as a batch of inputs.

    All batches have as many inputs, so that nothing is compiled anew for the last one:
    it is filled up, and has more inputs than positions.

    Attributes:
        positions: of the files.
        payloads: tf.string [n], what is in them.
        inputs: [n or more, ...].
    """

    positions: Sequence[int]
    payloads: tf.Tensor
    inputs: Tree


def batches(
    predictor: Predictor, found: Sequence[InputFiles], batch_size: int
) -> Iterator[FileBatch]:
    """Yield the files that can be read, in their order."""
    there = [position for position, one in enumerate(found) if one.error is None]
    size = min(batch_size, len(there))
    for dataset in _datasets(predictor, found, there):
        elements = (
            # Those that are not among the positions are read again, for the reason.
            dataset.ignore_errors()
            .apply(lambda each: _batched(each, size))
            .prefetch(_BATCHES_AHEAD)
        )
        for positions, payloads, inputs in elements:
            short = size - len(positions)
            if short:
                inputs = tf.nest.map_structure(
                    lambda tensor, n=short: tf.concat(
                        [tensor, tf.repeat(tensor[:1], n, axis=0)], axis=0
                    ),
                    inputs,
                )
            yield FileBatch(
                positions.numpy().tolist(), payloads, predictor.batch(inputs)
            )


def _batched(elements: tf.data.Dataset, size: int) -> tf.data.Dataset:
    shapes = tf.nest.map_structure(lambda spec: spec.shape, elements.element_spec)
    if all(shape.is_fully_defined() for shape in tf.nest.flatten(shapes)):
        return elements.batch(size, num_parallel_calls=1)
    return elements.padded_batch(size, padded_shapes=shapes)


def _datasets(
    predictor: Predictor, found: Sequence[InputFiles], there: Sequence[int]
) -> Iterator[tf.data.Dataset]:
    """Yield data sets of (position, payload, input) that follow each other.

    Only what is prepared is in memory at once.
    """
    if not there:
        return
    chosen = [found[position] for position in there]
    if not _prepares(predictor, chosen):
        yield _streamed(predictor, chosen, np.array(there))
        return
    for start in range(0, len(there), _CHUNK):
        chunk = _prepared(predictor, found, there[start : start + _CHUNK])
        if len(chunk[0]):
            yield _parallel(
                chunk,
                lambda position, payload, prepared: (
                    position,
                    payload,
                    predictor.preprocess(prepared),
                ),
            )


def _parallel(
    columns: tuple[Any, ...], function: Callable[..., Any]
) -> tf.data.Dataset:
    elements = tf.data.Dataset.from_tensor_slices(columns).map(
        function, num_parallel_calls=os.cpu_count(), deterministic=True
    )
    return dataset_options.without_autotuning(elements)


def _streamed(
    predictor: Predictor, files: Sequence[InputFiles], positions: np.ndarray
) -> tf.data.Dataset:
    """Return the data set of files whose payloads are read as they are."""

    def element(
        position: tf.Tensor, payload: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Tree]:
        return position, payload, predictor.preprocess(payload)

    def of_place(
        position: tf.Tensor, place: tf.Tensor, is_path: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Tree]:
        payload = tf.cond(is_path, lambda: load(place), lambda: place)
        return element(position, payload)

    load = _loader(predictor)
    is_path = [file.content is None for file in files]
    places = [file.raw if file.content is None else file.content for file in files]
    if all(is_path):
        return _parallel(
            (positions, places),
            lambda position, path: element(position, load(path)),
        )
    return _parallel((positions, places, is_path), of_place)


def _prepares(predictor: Predictor, files: Sequence[InputFiles]) -> bool:
    """Return whether the task prepares payloads, by the first file that there is."""
    read_each = (_read(predictor, file) for file in files)
    payloads = (payload for payload in read_each if payload is not None)
    first = next(payloads, None)
    return first is not None and predictor.prepares(first)


def _prepared(
    predictor: Predictor, found: Sequence[InputFiles], positions: Sequence[int]
) -> tuple[np.ndarray, list[bytes], tf.Tensor]:
    """Return positions, payloads and prepared payloads of files that can be read."""
    each = [(position, _read(predictor, found[position])) for position in positions]
    kept = [(position, one) for position, one in each if one is not None]
    try:
        prepared = predictor.prepare([payload for _, payload in kept])
    except (errors.DataError, tf.errors.OpError):
        # One by one, so that the others are answered.
        kept = [one for one in kept if _can_prepare(predictor, one[1])]
        prepared = predictor.prepare([payload for _, payload in kept])
    return (
        np.array([position for position, _ in kept], np.int64),
        [payload for _, payload in kept],
        prepared,
    )


def _can_prepare(predictor: Predictor, payload: bytes) -> bool:
    try:
        predictor.prepare([payload])
    except (errors.DataError, tf.errors.OpError):
        return False
    return True


def read(predictor: Predictor, file: InputFiles) -> bytes:
    """Return what is in a file, or what of it a network reads.

    Raises:
        errors.DataError, tf.errors.OpError: where it cannot be read.
    """
    if file.content is not None:
        return file.content
    reader = _reader(predictor)
    if reader is not None:
        return reader(file.file)
    payload: bytes = tf.io.read_file(file.raw).numpy()
    return payload


def _reader(predictor: Predictor) -> Callable[[str], bytes] | None:
    """Return what reads a file; None where all of it is read.

    An export that takes requests gets files as a server would.
    """
    return None if predictor.takes_requests else predictor.task.serving.file_reader


def _loader(predictor: Predictor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what reads the file at a path, tf.string [], in a graph."""
    reader = _reader(predictor)
    if reader is None:
        read_whole: Callable[[tf.Tensor], tf.Tensor] = tf.io.read_file
        return read_whole

    def load(path: tf.Tensor) -> tf.Tensor:
        content = tf.numpy_function(
            lambda one: reader(os.fsdecode(one)), [path], tf.string, stateful=False
        )
        return tf.ensure_shape(content, [])

    return load


def _read(predictor: Predictor, file: InputFiles) -> bytes | None:
    """Return what is in a file; None where it cannot be read."""
    try:
        return read(predictor, file)
    except (errors.DataError, tf.errors.OpError):
        return None
