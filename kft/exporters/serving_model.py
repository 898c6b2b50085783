"""A network as it is served, and what goes into an export besides it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data import sample
from kft.data.examples import TRAIN
from kft.evaluation import run_split
from kft.evaluation.load_run import LoadedRun
from kft.metrics.calibration import Calibration
from kft.tasks.task import Endpoint, Tree


@dataclasses.dataclass(frozen=True)
class ServingModel:
    """What every format writes, in its own way.

    Attributes:
        run: the run; its model computes in float32.
        calibration: of the run; None for probabilities as the network gives them.
    """

    run: LoadedRun
    calibration: Calibration | None = None

    @property
    def temperature(self) -> float:
        """Return what the logits are divided by.

        It makes the probabilities honest, and does not change which class is likeliest.
        """
        return 1.0 if self.calibration is None else self.calibration.temperature

    @property
    def scores(self) -> str:
        """Return the output by which an export is compared with the network."""
        return self.run.task.serving.scores

    @functools.cached_property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Return how the network is asked, by the name of the signature."""
        return self.run.task.serving.endpoints(
            self.run.model, temperature=self.temperature
        )

    @functools.cached_property
    def endpoints_of_one_trace(self) -> Mapping[str, Endpoint]:
        """Return `endpoints` that share the graph of the network.

        A format that keeps functions has it once then, and it is traced once.
        """
        model = self.run.model

        @functools.partial(tf.function, autograph=False, reduce_retracing=True)
        def network(inputs: Tree, *, training: bool) -> Tree:
            return model(inputs, training=training)

        return self.run.task.serving.endpoints(network, temperature=self.temperature)

    @property
    def tensors(self) -> Endpoint:
        """Return the endpoint that takes tensors, for formats that know no strings."""
        return list(self.endpoints.values())[1]

    @property
    def metadata(self) -> dict[str, Any]:
        """Return what an export has inside to be asked, as JSON can hold it.

        That is what `Serving.metadata` says, with the name of the task, and with the
        temperature and the views, which the probabilities have inside already.
        """
        return {
            **self.run.task.serving.metadata(),
            "temperature": self.temperature,
            "task": self.run.config.task,
            **({"tta": self.run.tta} if self.run.tta else {}),
        }

    def training_inputs(self, count: int) -> list[dict[str, np.ndarray]]:
        """Return up to `count` training examples as tensors of `tensors`, by name.

        Each is without the batch, and none is augmented.

        Raises:
            errors.DataError: naming the example that cannot be read.
        """
        inputs = self.run.task.inputs
        chosen = sample.spread(run_split.of_split(self.run, TRAIN), count)
        preprocess = self.run.preprocess(training=False)
        loaded = sample.load(inputs.prepare(chosen), preprocess)
        return [by_name(one, self.tensors) for one in loaded]


def by_name(inputs: Any, endpoint: Endpoint) -> dict[str, np.ndarray]:
    """Return what `Inputs.preprocess` makes as the tensors of an endpoint.

    Args:
        inputs: a dict by the names of the signature, or the only tensor of it.
        endpoint: that takes them.
    """
    if isinstance(inputs, Mapping):
        return {name: inputs[name] for name in endpoint.signature}
    (name,) = endpoint.signature
    return {name: inputs}
