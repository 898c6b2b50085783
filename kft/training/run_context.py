"""Everything a run has in this process: the same in all of its stages."""

import dataclasses
import functools
import time
from collections.abc import Sequence
from typing import Self

import keras
import numpy as np

from kft.config import RunConfig, stages
from kft.config.stages import Stage
from kft.data import pipeline, sampling
from kft.data.epoch_plan import SamplingConfig
from kft.data.examples import Examples, Splits
from kft.data.pipeline import Preprocess, Stored
from kft.distribution.replicas import Devices
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Task
from kft.tasks.traced_inputs import TracedInputs
from kft.training.distillation import distillation_loss
from kft.training.distillation.teacher_answers import TeacherAnswers
from kft.training.evaluator import Batches
from kft.training.monitoring.callbacks import Callbacks
from kft.training.monitoring.metrics_log import NullRecorder, Recorder
from kft.training.monitoring.progress import Reporter, SilentReporter
from kft.training.monitoring.signals import Signals
from kft.training.monitoring.startup_timer import StartupTimer


@dataclasses.dataclass(frozen=True)
class RunIO:
    """How a run shows itself and hears from outside.

    Attributes:
        reporter: shows progress to a person.
        recorder: writes metrics.jsonl and TensorBoard events.
        signals: remembers a signal.
        startup: takes the time until the first step is done.
    """

    reporter: Reporter
    recorder: Recorder
    signals: Signals
    startup: StartupTimer

    @classmethod
    def silent(cls) -> Self:
        """Return that of a run which shows and writes nothing."""
        return cls(SilentReporter(), NullRecorder(), Signals(), StartupTimer())


@dataclasses.dataclass(frozen=True)
class RunContext:
    """A run in this process.

    Attributes:
        config: what was asked.
        run: the run folder, as this worker sees it.
        devices: to train on.
        io: what shows and hears.
        task: what depends on the kind of data.
        splits: the examples, as `Inputs.prepare` gives them.
        class_weights: float64 [classes]; None where all classes count alike.
        network: the network; its weights and `trainable` flags change.
        stages: what `--stages` says.
        depths: for each stage, how many blocks it trains.
        callbacks: the user's.
        started: when the run began, by the monotonic clock, as if nothing had ever
            interrupted it.
        teacher: what a teacher says of the training examples; None without one.
    """

    config: RunConfig
    run: RunDir
    devices: Devices
    io: RunIO
    task: Task
    splits: Splits
    class_weights: np.ndarray | None
    network: Network
    stages: tuple[Stage, ...]
    depths: tuple[int, ...]
    callbacks: Callbacks
    started: float
    teacher: TeacherAnswers | None = None

    def seconds(self) -> float:
        """Return the time spent in the run, over all starts."""
        return time.monotonic() - self.started

    @property
    def steps_per_epoch(self) -> int:
        """Return the updates in one epoch."""
        return sampling.num_batches(
            len(self.splits.train), self.config.settled_batch_size
        )

    def peak_rate(self, index: int) -> float:
        """Return the peak learning rate of a stage."""
        rate = self.stages[index].learning_rate
        return self.config.learning_rate if rate is None else rate

    def epochs_before(self, index: int) -> int:
        """Return the epochs that the stages before this one plan."""
        return sum(stage.epochs for stage in self.stages[:index])

    def anchor(self, index: int) -> str | None:
        """Return the layer that ends the trunk of a stage; None where all trains."""
        return self.network.anchor(self.depths[index])

    @property
    def sampling_config(self) -> SamplingConfig:
        """Return how the training examples are drawn, weighted and mixed."""
        config, task = self.config, self.task
        return SamplingConfig(
            seed=config.seed,
            balanced=config.sampling == "balanced",
            class_weights=self.class_weights,
            mix=task.inputs.mix(),
            boundaries=task.inputs.boundaries,
            example_weights=task.objective.example_weights(self.splits.train.labels),
            taught=self._taught(),
        )

    def _taught(self) -> np.ndarray | None:
        """Return the probabilities of the teacher, float32 [n, classes]."""
        if self.teacher is None:
            return None
        return distillation_loss.softened(
            self.teacher.logits,
            activation=self.task.serving.activation,
            temperature=self.config.distillation_temperature,
        )

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the task's function from payload to input."""
        return self.traced.preprocess(training=training)

    @functools.cached_property
    def traced(self) -> TracedInputs:
        """Return the functions that make inputs, each traced once in a run."""
        return TracedInputs(self.task.inputs)

    def eval_batches(
        self,
        examples: Examples,
        source: Preprocess | Stored | None = None,
        *,
        keys: np.ndarray | None = None,
    ) -> tuple[Batches, int]:
        """Return the batches of one pass over a split, and how many they are.

        Args:
            examples: of one split; each comes once.
            source: see `pipeline.eval_batches`; by default the task's own inputs,
                nothing random.
            keys: see `pipeline.eval_batches`.
        """
        batch_size, devices = self.config.settled_batch_size, self.devices
        made = source or self.preprocess(training=False)
        batches = devices.distribute(
            lambda: pipeline.eval_batches(
                examples,
                made,
                share=devices.share(batch_size),
                keys=keys,
                boundaries=self.task.inputs.boundaries,
            )
        )
        return batches, sampling.num_batches(len(examples), batch_size)


def build(
    config: RunConfig,
    run: RunDir,
    devices: Devices,
    *,
    io: RunIO,
    task: Task,
    splits: Splits,
    network: Network,
    class_weights: np.ndarray | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunContext:
    """Return the context of a run that begins now.

    Raises:
        errors.ConfigError: for stages that the network has no blocks for.
    """
    specs = config.parsed_stages
    return RunContext(
        config=config,
        run=run,
        devices=devices,
        io=io,
        task=task,
        splits=splits,
        class_weights=class_weights,
        network=network,
        stages=specs,
        depths=stages.check_stages(specs, network.blocks),
        callbacks=Callbacks(callbacks, network.model),
        started=time.monotonic(),
    )
