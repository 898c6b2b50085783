"""Answers for files, in the order of the files, bad files included."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data import bad_examples
from kft.inference import file_batches
from kft.inference.input_files import InputFiles
from kft.inference.predictor import Predictor

_UNREADABLE = "the model cannot read it"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a network says of a file.

    Attributes:
        file: its path.
        content: what `Serving.answer` returned; where `error` is, the same keys with
            nothing in them.
        error: why there is no answer.
    """

    file: str
    content: Mapping[str, Any]
    error: str | None = None


def predict(
    predictor: Predictor, found: Sequence[InputFiles], *, top_k: int, batch_size: int
) -> Iterator[Answer]:
    """Yield an answer for each file, in their order, a batch at a time.

    The next files are read and decoded, on all cores, while a batch is computed.

    Args:
        predictor: the network.
        found: the files.
        top_k: alternatives in an answer, at most all classes.
        batch_size: inputs that are computed together.
    """
    done = 0
    for batch in file_batches.batches(predictor, found, batch_size):
        outputs = predictor.outputs(batch.inputs)
        ranks = {position: rank for rank, position in enumerate(batch.positions)}
        # What is missing in between has failed.
        for position in range(done, batch.positions[-1] + 1):
            file, rank = found[position], ranks.get(position)
            if rank is None:
                yield _failed(predictor, file)
            else:
                payload = batch.payloads[rank].numpy()
                row = {name: values[rank] for name, values in outputs.items()}
                yield of_row(predictor, file.file, row, payload, top_k)
        done = batch.positions[-1] + 1
    for file in found[done:]:
        yield _failed(predictor, file)


def predict_one(
    predictor: Predictor, payload: bytes, *, top_k: int
) -> tuple[Answer, Mapping[str, np.ndarray]]:
    """Return the answer for an encoded example, whose file has no name.

    Its outputs come with it: none where it cannot be read.
    """
    try:
        single = predictor.one_input(payload)
    except (errors.DataError, tf.errors.OpError) as error:
        return Answer("", _nothing(predictor), reason_of(error)), {}
    inputs = tf.nest.map_structure(lambda tensor: tensor[None], single)
    outputs = predictor.outputs(predictor.batch(inputs))
    row = {name: values[0] for name, values in outputs.items()}
    return of_row(predictor, "", row, payload, top_k), row


def of_row(
    predictor: Predictor,
    file: str,
    row: Mapping[str, np.ndarray],
    payload: bytes,
    top_k: int,
) -> Answer:
    """Return the answer that is in the outputs for an example.

    Args:
        predictor: that gave them.
        file: where the example is.
        row: the outputs by name, of this example alone.
        payload: the encoded example.
        top_k: alternatives in an answer, at most all classes.
    """
    serving = predictor.task.serving
    if not row[serving.scores].any():
        return Answer(file, _nothing(predictor), _UNREADABLE)
    return Answer(file, serving.answer(row, top_k=top_k, payload=payload))


def _failed(predictor: Predictor, file: InputFiles) -> Answer:
    reason = file.error or _reason(predictor, file)
    return Answer(file.file, _nothing(predictor), reason)


def _nothing(predictor: Predictor) -> dict[str, Any]:
    """Return the keys of an answer, with nothing in them."""
    fields = predictor.task.serving.answer_fields
    return {key: [] if names else None for key, names in fields.items()}


def _reason(predictor: Predictor, file: InputFiles) -> str:
    """Return why a file has no input."""
    try:
        predictor.one_input(file_batches.read(predictor, file))
    except (errors.DataError, tf.errors.OpError) as error:
        return reason_of(error)
    return "it could not be read at first; it can now"


def reason_of(error: Exception) -> str:
    """Return why an example cannot be read, out of what reading it raised."""
    if isinstance(error, tf.errors.OpError):
        return bad_examples.first_line(error)
    return str(error)
