"""Cross-validation: a run for each fold, one after the other."""

import dataclasses
from collections.abc import Collection
from typing import Any

from kft.config import RunConfig
from kft.data.examples import VALIDATION
from kft.evaluation import evaluate_run, load_run, out_of_fold
from kft.evaluation.out_of_fold import OutOfFold
from kft.metrics.predictions import ClassPredictions
from kft.run_folder import folds, run_dir, several_runs
from kft.run_folder.run_dir import RunDir
from kft.training import fine_tune_several
from kft.training.fine_tune_several import SeveralRuns
from kft.training.kept_network import FinishedRun
from kft.training.monitoring.progress import ConsoleReporter, Reporter


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossValidation(SeveralRuns):
    """What came out of all folds; the folder has folds.json.

    Attributes:
        out_of_fold: what each example got, also in out_of_fold.csv; None where examples
            have not one class each.
    """

    out_of_fold: OutOfFold | None


def cross_validate(
    config: RunConfig,
    *,
    reporter: Reporter | None = None,
    given: Collection[str] | None = None,
) -> CrossValidation:
    """Make a run for each of `folds`, and write folds.json and out_of_fold.csv.

    The same config goes on where it was stopped; finished runs are not repeated.

    Args:
        config: of the runs; its `run_dir` holds their folders.
        reporter: shows progress; by default on standard output.
        given: fields that `--recipe=auto` leaves; see `kft.training.fine_tune`.

    Raises:
        errors.KftError: see `kft.training.fine_tune`, and `kft.run_folder.folds.check`.
    """
    folds.check(config)
    answers: list[ClassPredictions | None] = []

    def answer(finished: FinishedRun) -> None:
        run = run_dir.at(str(finished.result.run_dir))
        loader = load_run.loader_of(run, kept=finished.kept)
        evaluation = evaluate_run.of_split(run, VALIDATION, loader=loader)
        answers.append(evaluation.predictions.of_classes)

    results = fine_tune_several.make(
        folds.configs(config),
        called=lambda one: f"fold {one.fold}",
        reporter=reporter or ConsoleReporter(),
        given=given,
        after_each=answer,
    )
    labels = run_dir.read_labels(RunDir(results[0].run_dir))
    found = CrossValidation(
        folder=several_runs.folder(config),
        results=results,
        out_of_fold=out_of_fold.of(labels, answers),
    )
    run = RunDir(found.folder)
    run.write_json(run.path / folds.FILE, as_json(found))
    if found.out_of_fold is not None:
        run.write_text(run.path / folds.TABLE, found.out_of_fold.to_csv())
    return found


def as_json(found: CrossValidation) -> dict[str, Any]:
    """Return what folds.json says."""
    pooled = found.out_of_fold
    return {
        **found.spreads(),
        "out_of_fold": pooled
        and {
            "examples": pooled.examples,
            "accuracy": pooled.accuracy,
            "accuracy_interval": pooled.interval,
        },
        "runs": found.lines("fold", range(len(found.results))),
    }
