"""Find a learning rate: train some steps of each stage while the rate grows.

The rate starts so low that nothing happens and grows until the loss runs away; a good
peak rate is where the loss falls. Stages before the tested one train first, shortened.
The run folder and its weights are left as they are.

  python -m kft.find_lr --flagfile=configs/quickstart.cfg
  python -m kft.find_lr --dataset=folder:photos --backbone=MobileNetV2 --stage=head
"""

from kft import tasks
from kft.cli import by_task, command, terminal
from kft.config import RangeTestConfig
from kft.lr_finder import lr_check


def main(config: RangeTestConfig, given: frozenset[str]) -> None:
    """Test, write the curves, and say what they suggest."""
    lr_check.check(config)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.lr_finder import finder, lr_report
    from kft.training.monitoring.progress import ConsoleReporter

    found = finder.find(config, given=given, reporter=ConsoleReporter())
    folder = lr_check.folder(config)
    lr_report.write(found, folder)
    terminal.show(*lr_report.text(found, folder))


COMMAND = command.Command(
    name="find_lr",
    description=__doc__,
    config=by_task.ByTask(tasks.known, RangeTestConfig, needed=("dataset",)),
    main=main,
    with_given=True,
)

if __name__ == "__main__":
    command.run(COMMAND)
