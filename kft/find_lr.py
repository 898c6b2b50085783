"""Find a learning rate: train some steps of each stage while the rate grows.

The rate starts so low that nothing happens and grows until the loss runs away; a good
peak rate is where the loss falls. Stages before the tested one train first, shortened.
The run folder and its weights are left as they are.

  python -m kft.find_lr --flagfile=configs/quickstart.cfg
  python -m kft.find_lr --dataset=folder:photos --backbone=MobileNetV2 --stage=head
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kft import tasks
from kft.cli import by_task, command
from kft.config import RangeTestConfig
from kft.lr_finder import lr_check

if TYPE_CHECKING:
    from kft.lr_finder.finder import RangeTests

_RULES = {
    "valley": "the middle of the longest descent",
    "steep": "where the loss falls fastest",
    "minimum": "a tenth of where it is lowest",
}

_TAKEN = "valley"


def main(config: RangeTestConfig, given: frozenset[str]) -> None:
    """Test, write the curves, and say what they suggest."""
    lr_check.check(config)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.lr_finder import finder, lr_report
    from kft.training.monitoring.progress import ConsoleReporter

    found = finder.find(config, given=given, reporter=ConsoleReporter())
    folder = lr_check.folder(config)
    lr_report.write(found, folder)
    print("\n".join(_closing(found, folder)))


def _closing(found: "RangeTests", folder: Path) -> Iterator[str]:
    """Yield the suggestions, and what to paste."""
    for test in found.tests:
        yield ""
        yield f"stage {test.unfreeze} (--stages has {test.rate:g})"
        for rule, meaning in _RULES.items():
            rate = getattr(test.suggestions, rule)
            shown = "none" if rate is None else f"{rate:.2g}"
            taken = "; the flag below has it" if rule == _TAKEN and rate else ""
            yield f"  {rule:<8} {shown:<8} {meaning}{taken}"
        if test.suggestions.best is None:
            yield "  The loss falls no more than it scatters; the rate stays."
    yield ""
    yield f"curves  {folder}"
    yield f"flag    --stages={found.stages}"


COMMAND = command.Command(
    name="find_lr",
    description=__doc__,
    config=by_task.ByTask(tasks.known, RangeTestConfig),
    main=main,
    with_given=True,
)

if __name__ == "__main__":
    command.run(COMMAND)
