"""The same run with several seeds, one after the other."""

import dataclasses
from collections.abc import Collection
from typing import Any

from kft.config import RunConfig
from kft.run_folder import seeds as run_folder_seeds
from kft.run_folder import several_runs
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.training import fine_tune_several
from kft.training.fine_tune_several import SeveralRuns
from kft.training.monitoring.progress import ConsoleReporter, Reporter


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repeats(SeveralRuns):
    """What came out of all seeds; the folder has repeats.json.

    Attributes:
        seeds: of the runs.
    """

    seeds: tuple[int, ...]

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
    configs = run_folder_seeds.configs(config)
    results = fine_tune_several.make(
        configs,
        called=lambda one: f"seed {one.seed}",
        reporter=reporter or ConsoleReporter(),
        given=given,
    )
    found = Repeats(
        folder=several_runs.folder(config),
        seeds=tuple(one.seed for one in configs),
        results=results,
    )
    run = RunDir(found.folder)
    run.write_json(run.path / run_folder_seeds.FILE, as_json(found))
    return found


def as_json(found: Repeats) -> dict[str, Any]:
    """Return what repeats.json says."""
    return {
        **found.spreads(),
        "best_seed": found.seeds[found.results.index(found.best)],
        "runs": found.lines("seed", found.seeds),
    }
