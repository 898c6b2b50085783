"""Inputs that a program has: files, bytes, arrays and texts, as batches."""

import concurrent.futures
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data import sample
from kft.inference import answers
from kft.inference.predictor import Predictor
from kft.tasks.task import Serving, Tree

# A file, its content, an array, or a text where the network reads texts.
Input = str | os.PathLike[str] | bytes | np.ndarray


@dataclasses.dataclass(frozen=True)
class Given:
    """An input.

    Attributes:
        name: the path of a file, or which of the inputs it is.
        payload: what is in it, as a file would have it.
    """

    name: str
    payload: bytes


@dataclasses.dataclass(frozen=True, eq=False)
class GivenBatch:
    """Inputs that are computed together.

    Attributes:
        given: the inputs.
        inputs: what the network reads of them, [n or more, ...]: the last batch is
            filled up, so that nothing is compiled anew for it.
    """

    given: Sequence[Given]
    inputs: Tree


def batches(
    predictor: Predictor, inputs: Input | Iterable[Input], batch_size: int
) -> Iterator[GivenBatch]:
    """Yield the inputs in their order; the next batch is decoded while one is used.

    Args:
        predictor: says how inputs are read.
        inputs: one or many; an array with an axis more than one has is many.
        batch_size: of all batches, where there are as many inputs.

    Raises:
        errors.ConfigError: for a size below 1.
        errors.DataError: naming the input that cannot be read.
    """
    if batch_size < 1:
        raise errors.ConfigError(f"batch_size={batch_size}: expected 1 or more.")
    if isinstance(inputs, str | os.PathLike | bytes | np.ndarray):
        inputs = inputs if _is_batch(inputs, predictor) else [inputs]
    numbered = enumerate(inputs)
    serving, is_first, size = predictor.task.serving, True, batch_size
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = None
        while chunk := list(itertools.islice(numbered, batch_size)):
            given = [_given(serving, place, one) for place, one in chunk]
            made = [pool.submit(_read, predictor.one_input, one) for one in given]
            if waiting is not None:
                yield _batch(predictor, *waiting, size)
            # Where one batch is enough for all, it is as small as they are few.
            size, is_first = (len(given) if is_first else size), False
            waiting = given, made
        if waiting is not None:
            yield _batch(predictor, *waiting, size)


def _is_batch(given: Input, predictor: Predictor) -> TypeGuard[np.ndarray]:
    """Return whether an array has one axis more than an input of the network."""
    spec = predictor.task.inputs.spec
    if not isinstance(given, np.ndarray) or not isinstance(spec, tf.TensorSpec):
        return False
    return given.ndim == len(spec.shape) + 1


def _batch(
    predictor: Predictor,
    given: Sequence[Given],
    made: Sequence["concurrent.futures.Future[Tree]"],
    size: int,
) -> GivenBatch:
    read = [future.result() for future in made]
    read += read[:1] * (size - len(read))
    boundaries = () if predictor.takes_requests else predictor.task.inputs.boundaries
    stacked = sample.stack(read, predictor.spec, boundaries)
    return GivenBatch(given, tf.nest.map_structure(tf.constant, stacked))


def _read(read: Callable[[bytes], Tree], given: Given) -> Tree:
    """Return one input as arrays.

    Raises:
        errors.DataError: naming it, where it cannot be read.
    """
    try:
        return tf.nest.map_structure(lambda one: one.numpy(), read(given.payload))
    except (errors.DataError, tf.errors.OpError) as error:
        reason = answers.reason_of(error)
        raise errors.DataError(f"{given.name}: {reason}") from error


def _given(serving: Serving, place: int, one: Input) -> Given:
    """Return an input by its name, as a file would have it.

    Raises:
        errors.DataError: where it cannot be read.
    """
    name = f"input {place}"
    if isinstance(one, bytes):
        return Given(name, one)
    if isinstance(one, str) and serving.request_columns:
        return Given(name, one.encode())
    if isinstance(one, str | os.PathLike):
        path = os.fspath(one)
        try:
            return Given(path, Path(path).read_bytes())
        except OSError as error:
            raise errors.DataError(
                f"{path} cannot be read: {error.strerror}."
            ) from error
    try:
        return Given(name, serving.encode(np.asarray(one)))
    except errors.DataError as error:
        raise errors.DataError(f"{name}: {error}") from error
