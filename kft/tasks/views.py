"""Test-time augmentation: a network whose answer is the mean over views of an example.

A view shows the same example otherwise, such as in a mirror, so that the same answer is
right. The mean is that of the probabilities (AlexNet: Krizhevsky, Sutskever and Hinton,
NIPS 2012, section 4.1). That of the logits was as accurate on flowers, three seeds, and
its log loss worse.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import keras

from kft.tasks.task import Task

# A batch as `Inputs.spec` has it, [n, ...] -> a batch for the network, [n, ...].
View = Callable[[keras.KerasTensor], keras.KerasTensor]


@dataclasses.dataclass(frozen=True)
class Views:
    """The views of each example of a task.

    Attributes:
        task: the task, as it reads the examples that the views are made of. The
            activation of its outputs is softmax or sigmoid.
        views: at least one; made of operations of Keras, so that they are part of
            whatever the network becomes.
    """

    task: Task
    views: Sequence[View]

    def network(self, model: keras.Model) -> keras.Model:
        """Return the graph from an input of the task to the logits of the mean.

        That is, `Serving.activation` of the output is the mean of the probabilities. It
        runs the network once, on a batch that has every view of every example; its
        weights are those of `model`.

        Args:
            model: a network from one input, [n, ...], to logits, [n, classes].
        """
        mean = _MEANS[self.task.serving.activation]
        spec, count = self.task.inputs.spec, len(self.views)
        inputs = keras.Input(spec.shape, dtype=spec.dtype.name, name="views")
        seen = keras.ops.concatenate([view(inputs) for view in self.views], axis=0)
        logits = model(seen)
        by_view = keras.ops.reshape(logits, (count, -1, *logits.shape[1:]))
        return keras.Model(inputs, mean(by_view), name=model.name)


def _of_softmax(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return logits [n, classes] of the mean softmax of logits [views, n, classes]."""
    return _log_mean(keras.ops.log_softmax(logits, axis=-1))


def _of_sigmoid(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return logits [n, classes] of the mean sigmoid of logits [views, n, classes]."""
    likely = _log_mean(keras.ops.log_sigmoid(logits))
    return likely - _log_mean(keras.ops.log_sigmoid(-logits))


def _log_mean(log_probabilities: keras.KerasTensor) -> keras.KerasTensor:
    """Return the logarithm of the mean over the first axis."""
    count = log_probabilities.shape[0]
    return keras.ops.logsumexp(log_probabilities, axis=0) - math.log(count)


# By the activation that makes probabilities of the outputs of a network.
_MEANS: Mapping[str | None, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "softmax": _of_softmax,
    "sigmoid": _of_sigmoid,
}
