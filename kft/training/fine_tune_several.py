"""Several runs of one command, one after the other."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import keras

from kft.config import RunConfig
from kft.run_folder.run_result import RunResult
from kft.run_folder.spread import Spread, spread
from kft.training import fine_tune
from kft.training.kept_network import FinishedRun
from kft.training.monitoring.progress import Reporter


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeveralRuns:
    """What came out of all runs.

    Attributes:
        folder: with a run folder for each.
        results: of the runs.
    """

    folder: Path
    results: tuple[RunResult, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        """Return the names of the figures that all runs have, such as val_accuracy."""
        return tuple(name for name in self.results[0].figures() if name != "seconds")

    def spread(self, figure: str) -> Spread | None:
        """Return mean and range of a figure of the results, such as val_accuracy."""
        return spread([result.figures().get(figure) for result in self.results])

    def spreads(self) -> dict[str, Any]:
        """Return the spread of each figure, as JSON can hold it."""
        found = {name: self.spread(name) for name in self.figures}
        return {name: s and dataclasses.asdict(s) for name, s in found.items()}

    def lines(self, called: str, names: Sequence[int]) -> list[dict[str, Any]]:
        """Return folder and figures of each run, as JSON can hold them.

        Args:
            called: what tells the runs apart, such as seed.
            names: of the runs, its values.
        """
        return [
            {
                called: name,
                "run_dir": result.run_dir.name,
                **{
                    one: result.figures().get(one) for one in (*self.figures, "seconds")
                },
            }
            for name, result in zip(names, self.results, strict=True)
        ]


def make(
    configs: Sequence[RunConfig],
    *,
    called: Callable[[RunConfig], str],
    reporter: Reporter,
    given: Collection[str] | None,
    after_each: Callable[[FinishedRun], None] = lambda finished: None,
) -> tuple[RunResult, ...]:
    """Make the runs that are not finished yet, and return the results of all.

    Args:
        configs: of the runs, each with a `run_dir` of its own.
        called: what a run is called among the others, such as "seed 3".
        reporter: shows progress.
        given: fields that `--recipe=auto` leaves; see `kft.training.fine_tune`.
        after_each: gets the end of a run while it is still in memory.

    Raises:
        errors.KftError: see `kft.training.fine_tune`.
    """
    results = []
    for number, one in enumerate(configs, start=1):
        # What Keras keeps of the networks of a run is of no use to the next one.
        keras.utils.clear_session()
        reporter.say(f"Run {number} of {len(configs)}: {called(one)}.")
        finished = fine_tune.finish(one, reporter=reporter, given=given)
        after_each(finished)
        results.append(finished.result)
    return tuple(results)
