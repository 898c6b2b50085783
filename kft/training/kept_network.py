"""The network that a run keeps, as it is in memory when the run ends."""

import dataclasses
from collections.abc import Mapping

from kft.distribution.replicas import Devices
from kft.metrics.predictions import Predictions
from kft.model.network import Network
from kft.run_folder.run_result import RunResult
from kft.tasks.traced_inputs import TracedInputs


@dataclasses.dataclass(frozen=True, eq=False)
class KeptNetwork:
    """What would else be built, loaded, traced and computed again after a run.

    Attributes:
        network: with the weights of best.weights.h5.
        devices: where it computes: one device.
        traced: the functions that make inputs.
        predictions: of the split that judges the run, by its name.
    """

    network: Network
    devices: Devices
    traced: TracedInputs
    predictions: Mapping[str, Predictions]


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """The end of a run in this process.

    Attributes:
        result: as result.json has it.
        kept: None where several devices trained, or where the run was finished before.
    """

    result: RunResult
    kept: KeptNetwork | None = None
