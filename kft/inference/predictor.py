"""Answers for files, in the order of the files, bad files included."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data import bad_examples, sample
from kft.data.examples import NO_KEY, Examples
from kft.evaluation import calibrated_temperature
from kft.evaluation.load_run import LoadedRun
from kft.inference.input_files import InputFiles
from kft.tasks.task import ServedTask, Tree

_UNREADABLE = "the model cannot read it"
# Batches that are made while one is computed.
_BATCHES_AHEAD = 2
# Files that are prepared together, by tasks that do.
_CHUNK = 1024


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


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network ready to answer.

    Attributes:
        task: says how a payload is read, and how an answer is given.
        outputs: a batch -> outputs by name, [batch, ...] each; zeros among the scores
            where the network itself cannot read something.
        takes_requests: whether a batch is payloads, tf.string [batch], and not what the
            task makes of them.
    """

    task: ServedTask
    outputs: Callable[[Tree], Mapping[str, np.ndarray]]
    takes_requests: bool = False

    @property
    def spec(self) -> Tree:
        """Return a tf.TensorSpec for each tensor of a batch, without the batch."""
        if self.takes_requests:
            return tf.TensorSpec([], tf.string)
        return self.task.inputs.spec

    @functools.cached_property
    def preprocess(self) -> Callable[[tf.Tensor], Tree]:
        """Return the function from a prepared payload, tf.string [], to its input.

        It is traced once. It raises tf.errors.OpError whatever is wrong; outside of a
        graph some of what Python says would come out as it is.
        """
        make_input = self.task.inputs.preprocess(training=False)

        def preprocess(payload: tf.Tensor) -> Tree:
            if self.takes_requests:
                return payload
            return make_input(payload, tf.constant(NO_KEY))

        return tf.function(preprocess, input_signature=[tf.TensorSpec([], tf.string)])

    def prepare(self, payloads: Sequence[bytes]) -> tf.Tensor:
        """Return payloads, tf.string [n], as `preprocess` reads them.

        Raises:
            errors.DataError, tf.errors.OpError: for a payload that it cannot read.
        """
        given = _in_memory(payloads)
        if self.takes_requests:
            return given.read(given.rows)
        prepared = self.task.inputs.prepare(given)
        return prepared.read(tf.constant(prepared.rows))

    def prepares(self, payload: bytes) -> bool:
        """Return whether payloads are other ones once they are prepared."""
        if self.takes_requests:
            return False
        given = _in_memory([payload])
        try:
            return self.task.inputs.prepare(given) is not given
        except (errors.DataError, tf.errors.OpError):
            return True

    def one_input(self, payload: bytes) -> Tree:
        """Return the input of a payload; raises like `prepare`."""
        return self.preprocess(self.prepare([payload])[0])

    def batch(self, inputs: Tree) -> Tree:
        """Return inputs [n, ...] whose steps are filled up as those of a run are."""
        boundaries = self.task.inputs.boundaries
        if self.takes_requests or not boundaries:
            return inputs

        def fill(spec: tf.TensorSpec, tensor: tf.Tensor) -> tf.Tensor:
            if not sample.has_steps(spec):
                return tensor
            steps = tensor.shape[1]
            length = sample.padded_length(steps, boundaries)
            rest = [[0, 0]] * (tensor.shape.rank - 2)
            return tf.pad(tensor, [[0, 0], [0, length - steps], *rest])

        return tf.nest.map_structure(fill, self.spec, inputs)


def _in_memory(payloads: Sequence[bytes]) -> Examples:
    stored = tf.constant(list(payloads), tf.string, shape=[len(payloads)])
    return Examples(
        ids=np.array([str(number) for number in range(len(payloads))]),
        labels=np.zeros(len(payloads), np.int32),
        rows=np.arange(len(payloads)),
        read=lambda rows: tf.gather(stored, rows),
    )


def of_run(run: LoadedRun) -> Predictor:
    """Return the predictor of a finished run; its scores are those served.

    That is, they are calibrated where the run is, see
    `kft.evaluation.calibrated_temperature`.
    """
    temperature, serving = calibrated_temperature.of_run(run.run), run.task.serving

    @tf.function(reduce_retracing=True)
    def network(inputs: Tree) -> Tree:
        return run.model(inputs, training=False)

    def outputs(inputs: Tree) -> Mapping[str, np.ndarray]:
        found = _as_arrays(network(inputs)), _as_arrays(inputs)
        scores = serving.network_scores(*found, temperature=temperature)
        return {serving.scores: scores}

    return Predictor(run.task, outputs)


def _as_arrays(tensors: Tree) -> Tree:
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), tensors)


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
    for batch in batches(predictor, found, batch_size):
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
                yield _answer(predictor, file.file, row, payload, top_k)
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
        return Answer("", _nothing(predictor), _message(error)), {}
    inputs = tf.nest.map_structure(lambda tensor: tensor[None], single)
    outputs = predictor.outputs(predictor.batch(inputs))
    row = {name: values[0] for name, values in outputs.items()}
    return _answer(predictor, "", row, payload, top_k), row


def _answer(
    predictor: Predictor,
    file: str,
    row: Mapping[str, np.ndarray],
    payload: bytes,
    top_k: int,
) -> Answer:
    serving = predictor.task.serving
    if not row[serving.scores].any():
        return Answer(file, _nothing(predictor), _UNREADABLE)
    return Answer(file, serving.answer(row, top_k=top_k, payload=payload))


def _failed(predictor: Predictor, file: InputFiles) -> Answer:
    reason = file.error or _reason(predictor, file.file)
    return Answer(file.file, _nothing(predictor), reason)


def _nothing(predictor: Predictor) -> dict[str, Any]:
    """Return the keys of an answer, with nothing in them."""
    fields = predictor.task.serving.answer_fields
    return {key: [] if names else None for key, names in fields.items()}


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
        read = (
            # `_reason` reads those again that are not among the positions.
            dataset.ignore_errors()
            .apply(lambda elements: _batched(elements, size))
            .prefetch(_BATCHES_AHEAD)
        )
        for positions, payloads, inputs in read:
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
    if not _prepares(predictor, [found[position].file for position in there]):
        yield _parallel(
            (np.array(there), [found[position].file for position in there]),
            lambda position, path: _streamed(predictor, position, path),
        )
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


def _parallel(columns: tuple[Any, ...], function: Callable) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(columns).map(
        function, num_parallel_calls=os.cpu_count(), deterministic=True
    )


def _streamed(
    predictor: Predictor, position: tf.Tensor, path: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, Tree]:
    payload = tf.io.read_file(path)
    return position, payload, predictor.preprocess(payload)


def _prepares(predictor: Predictor, files: Sequence[str]) -> bool:
    """Return whether the task prepares payloads, by the first file that there is."""
    payloads = (payload for file in files if (payload := _read(file)) is not None)
    first = next(payloads, None)
    return first is not None and predictor.prepares(first)


def _prepared(
    predictor: Predictor, found: Sequence[InputFiles], positions: Sequence[int]
) -> tuple[np.ndarray, list[bytes], tf.Tensor]:
    """Return positions, payloads and prepared payloads of files that can be read."""
    read = [(position, _read(found[position].file)) for position in positions]
    kept = [(position, one) for position, one in read if one is not None]
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


def _read(file: str) -> bytes | None:
    """Return what is in a file; None where it cannot be read."""
    try:
        return tf.io.read_file(file).numpy()
    except tf.errors.OpError:
        return None


def _reason(predictor: Predictor, file: str) -> str:
    """Return why a file has no input."""
    try:
        predictor.one_input(tf.io.read_file(file).numpy())
    except (errors.DataError, tf.errors.OpError) as error:
        return _message(error)
    return "it could not be read at first; it can now"


def _message(error: Exception) -> str:
    if isinstance(error, tf.errors.OpError):
        return bad_examples.first_line(error)
    return str(error)
