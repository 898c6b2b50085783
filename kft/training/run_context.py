"""What is the same in all stages of a run, and the plan that they follow."""

import dataclasses
import time

import numpy as np

from kft.config import RunConfig
from kft.config.stages import Stage
from kft.data import sampling
from kft.data.examples import Splits
from kft.distribution.replicas import Devices
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Task
from kft.training.monitoring.callbacks import Callbacks
from kft.training.monitoring.metrics_log import Recorder
from kft.training.monitoring.progress import Reporter
from kft.training.monitoring.signals import Signals
from kft.training.monitoring.startup_timer import StartupTimer


@dataclasses.dataclass(frozen=True)
class RunContext:
    """A run in this process.

    Attributes:
        stages: what `--stages` says.
        depths: for each stage, how many blocks it trains.
        splits: the examples.
        class_weights: float64 [classes]; None where all classes count alike.
        network: the network; its weights and `trainable` flags change.
        startup: takes the time until the first step is done.
        started: when the run began, by the monotonic clock, as if nothing had ever
            interrupted it.
    """

    config: RunConfig
    stages: tuple[Stage, ...]
    depths: tuple[int, ...]
    run: RunDir
    devices: Devices
    task: Task
    splits: Splits
    class_weights: np.ndarray | None
    network: Network
    reporter: Reporter
    recorder: Recorder
    callbacks: Callbacks
    interrupt: Signals
    startup: StartupTimer
    started: float

    def seconds(self) -> float:
        """Return the time spent in the run, over all starts."""
        return time.monotonic() - self.started

    @property
    def steps_per_epoch(self) -> int:
        """Return the updates in one epoch."""
        return sampling.num_batches(len(self.splits.train), self.config.batch_size)

    def peak_rate(self, index: int) -> float:
        """Return the peak learning rate of a stage."""
        rate = self.stages[index].learning_rate
        return self.config.learning_rate if rate is None else rate

    def epochs_before(self, index: int) -> int:
        """Return the epochs that the stages before this one plan."""
        return sum(stage.epochs for stage in self.stages[:index])
