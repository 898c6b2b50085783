"""A network ready to answer, of a run or of an export."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data import sample
from kft.data.examples import NO_KEY, Examples
from kft.evaluation import calibrated_temperature
from kft.evaluation.load_run import LoadedRun
from kft.tasks.task import ServedTask, Tree


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

        traced: Callable[[tf.Tensor], Tree] = tf.function(
            preprocess, input_signature=[tf.TensorSpec([], tf.string)]
        )
        return traced

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

    def call(inputs: Tree) -> Tree:
        return run.model(inputs, training=False)

    network = tf.function(call, reduce_retracing=True)

    def outputs(inputs: Tree) -> Mapping[str, np.ndarray]:
        found = _as_arrays(network(inputs)), _as_arrays(inputs)
        scores = serving.network_scores(*found, temperature=temperature)
        return {serving.scores: scores}

    return Predictor(run.task, outputs)


def _as_arrays(tensors: Tree) -> Tree:
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), tensors)
