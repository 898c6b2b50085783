"""Fine-tune a pretrained network.

One run goes from the data over the stages to the best weights, the export and
result.json, all in one run folder. The same command continues a run that was stopped.

  python -m kft.train --flagfile=configs/quickstart.cfg
  python -m kft.train --dataset=folder:photos --backbone=MobileNetV2
"""

import psutil

from kft import tasks
from kft.cli import by_task, command
from kft.config import RunConfig
from kft.workflows import train_run


def main(config: RunConfig, given: frozenset[str]) -> None:
    """Train, export, and say what to do with the result.

    Args:
        config: the run.
        given: fields that `--recipe=auto` leaves as they are.
    """
    # The time that this process has needed to get here counts as start of the run.
    train_run.run(config, given, process_start=psutil.Process().create_time())


COMMAND = command.Command(
    name="train",
    description=__doc__,
    config=by_task.ByTask(tasks.known, needed=("dataset",)),
    main=main,
    with_given=True,
)

if __name__ == "__main__":
    command.run(COMMAND)
