"""Examples that cannot be read: found, explained, left out."""

import concurrent.futures
import csv
import dataclasses
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors
from kft.data import examples as examples_lib
from kft.data import label_arrays, pipeline

_CHUNK = 64
_GRAPH_NODES = re.compile(r"\{\{[^}]*\}\}")
# What TensorFlow 2.21 may write before the message itself: where the op was made.
_WHERE = re.compile(
    r"Graph execution error:|Detected at node |<stack traces unavailable>|Node: "
    r"|\d+ root error\(s\) found|\s+(?!\s|\(\d+\))"
)
_ROOT_ERROR = re.compile(r"^\(\d+\) [A-Z_]+: +")
_PIPELINE = re.compile(r"^Error in user-defined function.*? iterator: \S+: ")
_EAGER_OP = re.compile(r"\s*\[Op:\w+\](?: name:.*)?$")
_ASSERTION = "assertion failed: "
_PYTHON_ERROR = re.compile(r"^\w+(Error|Exception): ")


@dataclasses.dataclass(frozen=True)
class BadExample:
    """An example that cannot be read.

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
            for index, problem in zip(chunk, pool.map(reason, chunk), strict=True):
                if problem:
                    yield BadExample(str(examples.ids[index]), problem)


def without_bad(
    splits: examples_lib.Splits,
    preprocess: pipeline.Preprocess,
    *,
    max_bad_fraction: float,
) -> tuple[examples_lib.Splits, tuple[BadExample, ...]]:
    """Return the splits without the examples that cannot be read, and those.

    Reads everything once.

    Raises:
        errors.DataError: where more than that share of all examples is bad, or a class
            is left without training examples.
    """
    bad: list[BadExample] = []
    for part in splits.parts().values():
        bad += bad_examples(part, preprocess)
    total = sum(len(part) for part in splits.parts().values())
    if len(bad) > max_bad_fraction * total:
        raise errors.DataError(
            f"--max_bad_fraction={max_bad_fraction}: {len(bad)} of {total} examples "
            f"cannot be read, such as {bad[0].id}: {bad[0].reason}. Repair or remove "
            "them, or raise the fraction."
        )
    return leave_out(splits, bad), tuple(bad)


def leave_out(
    splits: examples_lib.Splits, bad: Sequence[BadExample]
) -> examples_lib.Splits:
    """Return the splits without these examples, and say which.

    What is left is other data, so its fingerprint is another one.

    Raises:
        errors.DataError: where a class is left without training examples.
    """
    if not bad:
        return splits
    total = sum(len(part) for part in splits.parts().values())
    for example in bad:
        logging.warning("Skipped %s: %s.", example.id, example.reason)
    logging.warning("Skipped %d of %d examples.", len(bad), total)
    ids = [example.id for example in bad]
    kept = {
        split: part.take(np.flatnonzero(~np.isin(part.ids, ids)))
        for split, part in splits.parts().items()
    }
    _check_classes(splits, kept)
    together = "\0".join([splits.fingerprint, *sorted(ids)])
    fingerprint = hashlib.sha256(together.encode()).hexdigest()
    return dataclasses.replace(
        splits,
        train=kept[examples_lib.TRAIN],
        validation=kept.get(examples_lib.VALIDATION),
        test=kept.get(examples_lib.TEST),
        fingerprint=fingerprint,
    )


def bad_csv(bad: Iterable[BadExample]) -> str:
    """Return a table of skipped examples: a row of id and reason for each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "reason"))
    writer.writerows((example.id, example.reason) for example in bad)
    return text.getvalue()


def parse_bad_csv(text: str) -> tuple[BadExample, ...]:
    """Return what `bad_csv` wrote.

    Raises:
        ValueError: for any other text.
    """
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or rows[0] != ["id", "reason"] or any(len(row) != 2 for row in rows):
        raise ValueError("expected the columns id and reason")
    return tuple(BadExample(*row) for row in rows[1:])


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
    of_pipeline = isinstance(error, tf.errors.OpError)
    for examples in parts if of_pipeline else ():
        for bad in bad_examples(examples, preprocess):
            return errors.DataError(
                f"The example {bad.id} cannot be read: {bad.reason}. Repair it or "
                "remove it from the data."
            )
    return error


def first_line(error: tf.errors.OpError) -> str:
    """Return what an op has to say, without where in which graph it said it."""
    lines = (error.message or type(error).__name__).splitlines()
    said = (line for line in lines if line.strip() and not _WHERE.match(line))
    message = _EAGER_OP.sub("", _GRAPH_NODES.sub("", next(said, lines[0]))).strip()
    message = _PIPELINE.sub("", _ROOT_ERROR.sub("", message))
    if message.startswith(_ASSERTION):
        message = message.removeprefix(_ASSERTION).replace("] [", " ").strip("[]")
    # Some file systems name the kind of their errors only.
    return _PYTHON_ERROR.sub("", message).rstrip(".") or type(error).__name__


def _check_classes(
    splits: examples_lib.Splits, kept: dict[str, examples_lib.Examples]
) -> None:
    """Check that every class can still be learned, and no split is empty."""
    labels = kept[examples_lib.TRAIN].labels
    lost = []
    if label_arrays.is_one_class_each(labels):
        counts = label_arrays.count(labels, len(splits.labels))
        lost += [n for n, c in zip(splits.labels.names, counts, strict=True) if not c]
    lost += [f"the {split} split" for split, part in kept.items() if not len(part)]
    if lost:
        raise errors.DataError(
            f"Every example of {', '.join(lost)} cannot be read. Repair the files."
        )
