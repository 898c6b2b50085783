"""Where a run shows itself and hears from outside."""

import dataclasses
from collections.abc import Callable

from kft.distribution.replicas import Devices
from kft.training.monitoring.callbacks import Callbacks
from kft.training.monitoring.metrics_log import Recorder
from kft.training.monitoring.progress import Reporter
from kft.training.monitoring.signals import Signals
from kft.training.monitoring.startup_timer import StartupTimer
from kft.training.run_state import RunState


@dataclasses.dataclass(frozen=True)
class Outlets:
    """Where a run shows itself and hears from outside.

    Attributes:
        reporter: shows progress to a person.
        recorder: writes metrics.jsonl and TensorBoard events.
        callbacks: the user's Keras callbacks.
        interrupt: remembers a signal.
        devices: tell what the other workers hear.
        startup: takes the time until the first step is done.
        save: writes a checkpoint of a state, with what the caller adds.
    """

    reporter: Reporter
    recorder: Recorder
    callbacks: Callbacks
    interrupt: Signals
    devices: Devices
    startup: StartupTimer
    save: Callable[[RunState], None]
