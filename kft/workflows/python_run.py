"""A run from Python: what `kft.fine_tune` does."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kft.cli import startup_logs
from kft.config import RunConfig
from kft.distribution import cluster
from kft.run_folder.run_result import RunResult
from kft.workflows import after_training

if TYPE_CHECKING:
    import keras

    from kft.training.monitoring.progress import Reporter


def fine_tune(
    config: RunConfig,
    *,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    reporter: "Reporter | None" = None,
) -> RunResult:
    """Train a run, and write the exports and the report that its config asks for.

    The same config on an unfinished run folder continues that run; on a finished one it
    trains nothing, and writes what is missing.

    Where several workers train together, each calls this with the same config, apart
    from `worker_index`, and all get the same result. Only the chief touches the folder.

    Args:
        config: the run. `run_dir` is where it goes; by default a folder in `runs/` that
            is named after data and network.
        callbacks: ordinary Keras callbacks; their `model` is the whole network. With
            several workers each has to give the same ones.
        reporter: shows progress on the chief; by default on standard output.
            `kft.training.monitoring.progress.SilentReporter()` shows nothing.

    Raises:
        errors.ConfigError: for options that cannot work, before anything is loaded.
        errors.DataError: for data that cannot be used.
        errors.RunDirError: for a run folder that is in use, damaged or of another run.
        errors.TrainingError: for memory that ran out, or numbers that went wrong.
        errors.Interrupted: after a signal to any worker; the state is saved.
        errors.WorkerLostError: where another worker is gone.
        errors.AccuracyError: below `assert_accuracy_at_least`; nothing is exported.
    """
    startup_logs.from_python()
    from kft.training import fine_tune as training
    from kft.training.monitoring.progress import ConsoleReporter

    shown = reporter or ConsoleReporter()
    finished = training.finish(config, callbacks=callbacks, reporter=shown)
    workers = cluster.find(config, os.environ)
    if workers is None or workers.is_chief:
        after_training.complete(config, finished, say=shown.say)
    return finished.result
