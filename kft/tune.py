"""Search the settings of a run: learning rates, epochs, what to unfreeze, and others.

Each trial is a run with other settings; the best are kept as a flagfile, and trained
once more as kft.train does it. The same command continues a search that was stopped.
Several processes share the trials of a search by keras-tuner's environment variables
(configs/README.md).

  python -m kft.tune --flagfile=configs/quickstart.cfg --trials=12
  python -m kft.tune --flagfile=my.cfg --space='dropout=choice:0|0.2|0.5'
"""

import contextlib
import os

from kft import errors, tasks
from kft.cli import by_task, command, rich_console, terminal
from kft.config import SearchConfig
from kft.search import check
from kft.training.monitoring import signals as monitoring_signals
from kft.workflows import train_run


def main(config: SearchConfig) -> None:
    """Search, show the trials, and train the winner."""
    config, space = check.check(config, os.environ, also=train_run.CHECKS)
    with monitoring_signals.listening() as signals:
        # TensorFlow starts slowly: not before the flags are known to be right.
        from kft.search import results, search

        outcome = search.run(config, space, signals=signals)
    if outcome is None:
        # The chief has the results.
        return
    folder = outcome.search
    table = results.table(space, outcome.records, outcome.monitor)
    rich_console.console().print(table)
    terminal.show(
        f"all trials     {folder.trials_csv}, {folder.trials_png}",
        f"best settings  {folder.best_cfg}",
        f"TensorBoard    tensorboard --logdir={folder.trials}",
    )
    with contextlib.ExitStack() as ending:
        # Also where the winner is not good enough: only the trials needed them.
        ending.callback(search.discard_features, outcome)
        if config.train_best:
            terminal.show()
            try:
                train_run.run(outcome.config)
            except errors.Interrupted:
                # The same command goes on, maybe with more trials.
                ending.pop_all()
                raise


COMMAND = command.Command(
    name="tune",
    description=__doc__,
    config=by_task.ByTask(tasks.known, SearchConfig, needed=("dataset",)),
    main=main,
)

if __name__ == "__main__":
    command.run(COMMAND)
