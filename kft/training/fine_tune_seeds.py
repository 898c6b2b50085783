"""The same run with several seeds, one after the other."""

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras

from kft.config import RunConfig
from kft.run_folder import seeds as run_folder_seeds
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.training import fine_tune as single
from kft.training.monitoring.progress import ConsoleReporter, Reporter


@dataclasses.dataclass(frozen=True)
class Repeats:
    """What came out of all runs.

    Attributes:
        folder: with a run folder for each seed, and repeats.json.
        seeds: of the runs.
        results: of the runs.
    """

    folder: Path
    seeds: tuple[int, ...]
    results: tuple[RunResult, ...]

    @property
    def best(self) -> RunResult:
        """Return the run that is best by its monitored figure, the first of equals.

        Without validation examples it is the first run.
        """
        first = self.results[0]
        if first.monitored is None:
            return first
        sign = 1.0 if first.higher_is_better else -1.0
        return max(self.results, key=lambda result: sign * (result.monitored or 0.0))

    @property
    def figures(self) -> tuple[str, ...]:
        """Return the names of the figures that all runs have, such as val_accuracy."""
        return tuple(name for name in self.results[0].figures() if name != "seconds")

    def spread(self, figure: str) -> run_folder_seeds.Spread | None:
        """Return mean and range of a figure of the results, such as val_accuracy."""
        return run_folder_seeds.spread(
            [result.figures().get(figure) for result in self.results]
        )


def fine_tune(
    config: RunConfig,
    *,
    reporter: Reporter | None = None,
    given: Collection[str] | None = None,
) -> Repeats:
    """Make `repeats` runs with the seeds from `seed` on, and write repeats.json.

    The same config goes on where it was stopped; finished runs are not repeated.

    Args:
        config: of the runs; its `run_dir` holds their folders.
        reporter: shows progress; by default on standard output.
        given: fields that `--recipe=auto` leaves; see `kft.training.fine_tune`.

    Raises:
        errors.KftError: see `kft.training.fine_tune`, and `kft.run_folder.seeds.check`.
    """
    run_folder_seeds.check(config)
    reporter = reporter or ConsoleReporter()
    configs = run_folder_seeds.configs(config)
    results = []
    for number, one in enumerate(configs, start=1):
        # What Keras keeps of the networks of a seed is of no use to the next one.
        keras.utils.clear_session()
        reporter.say(f"Run {number} of {len(configs)}: seed {one.seed}.")
        results.append(single.fine_tune(one, reporter=reporter, given=given))
    found = Repeats(
        run_folder_seeds.folder(config),
        tuple(one.seed for one in configs),
        tuple(results),
    )
    run = RunDir(found.folder)
    run.write_json(run.path / run_folder_seeds.FILE, as_json(found))
    return found


def as_json(found: Repeats) -> dict[str, Any]:
    """Return what repeats.json says."""
    figures = found.figures
    spreads = {name: found.spread(name) for name in figures}
    return {
        **{name: s and dataclasses.asdict(s) for name, s in spreads.items()},
        "best_seed": found.seeds[found.results.index(found.best)],
        "runs": [
            {
                "seed": seed,
                "run_dir": result.run_dir.name,
                **{name: result.figures().get(name) for name in (*figures, "seconds")},
            }
            for seed, result in zip(found.seeds, found.results, strict=True)
        ],
    }
