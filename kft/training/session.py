"""What is the same in all stages of a run, and the plan that they follow."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kft.config import TrainConfig
from kft.data.examples import Splits
from kft.model import freeze
from kft.model.network import Network
from kft.run_dir import RunDir
from kft.runtime import Devices
from kft.schedule import Stage
from kft.tasks.task import Task
from kft.training import stage_data
from kft.training.callbacks import Callbacks
from kft.training.interrupt import Interrupt
from kft.training.progress import Reporter
from kft.training.records import Recorder


@dataclasses.dataclass(frozen=True)
class Session:
    """A run in this process.

    Attributes:
        stages: what `--stages` says.
        depths: for each stage, how many blocks it trains.
        splits: the examples.
        network: the network; its weights and `trainable` flags change.
    """

    config: TrainConfig
    stages: tuple[Stage, ...]
    depths: tuple[int, ...]
    run: RunDir
    devices: Devices
    task: Task
    splits: Splits
    network: Network
    reporter: Reporter
    recorder: Recorder
    callbacks: Callbacks
    interrupt: Interrupt

    @property
    def steps_per_epoch(self) -> int:
        """Return the updates in one epoch."""
        return stage_data.num_batches(len(self.splits.train), self.config.batch_size)

    def peak_rate(self, index: int) -> float:
        """Return the peak learning rate of a stage."""
        rate = self.stages[index].learning_rate
        return self.config.learning_rate if rate is None else rate

    def epochs_before(self, index: int) -> int:
        """Return the epochs that the stages before this one plan."""
        return sum(stage.epochs for stage in self.stages[:index])


def plan_rows(session: Session) -> Sequence[dict[str, Any]]:
    """Return the plan as rows of a table: what each stage trains, how long, how fast."""
    total = session.network.model.count_params()
    rows = []
    for index, (stage, depth) in enumerate(
        zip(session.stages, session.depths, strict=True)
    ):
        trainable = freeze.count_trainable(
            session.network, depth, batch_norm=session.config.batch_norm
        )
        rows.append(
            {
                "stage": stage.unfreeze,
                "cut": session.network.anchor(depth) or "none: all trains",
                "trainable": trainable,
                "parameters": total,
                "epochs": stage.epochs,
                "steps": stage.epochs * session.steps_per_epoch,
                "peak rate": session.peak_rate(index),
            }
        )
    return rows
