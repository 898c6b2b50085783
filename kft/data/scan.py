"""Find the examples that can not be read."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Iterable, Iterator

import tensorflow as tf

from kft import errors
from kft.data import examples as examples_lib
from kft.data import pipeline

_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class BadExample:
    """An example that can not be read.

    Attributes:
        id: of the example.
        reason: what is wrong with it, one line.
    """

    id: str
    reason: str


def bad_examples(
    examples: examples_lib.Examples, preprocess: pipeline.Preprocess
) -> Iterator[BadExample]:
    """Yield the examples that `read` or `preprocess` fail on, in their order.

    Reads and decodes everything once, on all cores; what is left unread when the caller
    stops early is not read.
    """
    make_input = tf.function(
        preprocess,
        input_signature=[
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([2], tf.int64),
        ],
    )

    def reason(index: int) -> str | None:
        try:
            payload = examples.read(tf.constant(examples.rows[index : index + 1]))[0]
            make_input(payload, tf.zeros([2], tf.int64))
        except tf.errors.OpError as error:
            return first_line(error)
        return None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(examples), _CHUNK):
            chunk = range(start, min(start + _CHUNK, len(examples)))
            for index, found in zip(chunk, pool.map(reason, chunk), strict=True):
                if found:
                    yield BadExample(str(examples.ids[index]), found)


def explain_failure(
    error: Exception,
    parts: Iterable[examples_lib.Examples],
    preprocess: pipeline.Preprocess,
) -> Exception:
    """Return a DataError that names the example which made a pipeline fail.

    An error out of a pipeline does not say which of its examples caused it, so they
    are read again until the first one fails.

    Args:
        error: what iterating over the pipeline raised.
        parts: the examples that were being read.
        preprocess: what they were being read with.

    Returns:
        The DataError, or `error` itself where it is of another kind or every example
        can be read.
    """
    if not isinstance(error, tf.errors.OpError):
        return error
    for examples in parts:
        for bad in bad_examples(examples, preprocess):
            return errors.DataError(
                f"The example {bad.id} can not be read: {bad.reason}. Repair it or "
                "remove it from the data."
            )
    return error


def first_line(error: tf.errors.OpError) -> str:
    """Return what an op has to say, without where in which graph it said it."""
    message = error.message or type(error).__name__
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0].removeprefix("{{function_node").split("}} ")[-1].rstrip(".")
