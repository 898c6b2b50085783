"""The work after training, on the chief: figures, exports, and the last screen."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from absl import logging

from kft import errors
from kft.cli import rich_console
from kft.config import ExportConfig, RunConfig
from kft.evaluation import accuracy_bar
from kft.evaluation.accuracy_bar import JudgedFigure
from kft.exporters import certificates
from kft.exporters.standalone_process import StandaloneProcesses
from kft.run_folder import folds, run_dir
from kft.run_folder.run_dir import RunDir
from kft.training.trackers import trackers
from kft.workflows import run_summary

if TYPE_CHECKING:
    from kft.evaluation.evaluate_run import Evaluation
    from kft.evaluation.load_run import RunLoader
    from kft.training.kept_network import FinishedRun


def finish(
    config: RunConfig,
    finished: "FinishedRun",
    judged: JudgedFigure,
    *,
    process_start: float | None = None,
) -> None:
    """Complete a finished run, and show what became of it.

    Args:
        config: of the run.
        finished: its end; of several seeds that of the best.
        judged: what `--assert_accuracy_at_least` is about; see `below_bar`.
        process_start: when the command began, in seconds as of `time.time`; None where
            that is not known.

    Raises: what `complete` does, once everything is shown.
    """
    evaluation, problem = _complete(config, finished, judged, say=_print)
    run_summary.show(
        rich_console.console(),
        finished.result,
        evaluation=evaluation,
        formats=config.export,
        command_seconds=None if process_start is None else time.time() - process_start,
    )
    if problem is not None:
        raise problem


def complete(
    config: RunConfig, finished: "FinishedRun", *, say: Callable[[str], None]
) -> None:
    """Measure and export a finished run, and report on it, as its config says.

    What is in the run folder already is not made again. A page or a part of
    TensorBoard that cannot be made does not fail the run, which is whole without it:
    the log says why, and the command to try again.

    Args:
        config: of the run.
        finished: its end.
        say: shows a line to a person.

    Raises:
        errors.AccuracyError: below the accuracy that was asked for; nothing is exported
            then.
        errors.KftError: where something cannot be read, exported or written.
    """
    judged = accuracy_bar.judged_of(finished.result)
    _, problem = _complete(config, finished, judged, say=say)
    if problem is not None:
        raise problem


def _complete(
    config: RunConfig,
    finished: "FinishedRun",
    judged: JudgedFigure,
    *,
    say: Callable[[str], None],
) -> tuple["Evaluation | None", errors.KftError | None]:
    """Do what `complete` does; return the evaluation, and why it is not good enough."""
    # TensorFlow starts slowly: not before it is needed.
    from kft.evaluation import load_run

    run = run_dir.at(str(finished.result.run_dir))
    loader = load_run.loader_of(run, kept=finished.kept)
    problem = below_bar(config, judged)
    formats = () if problem else _missing_formats(config, run)
    with StandaloneProcesses(formats) as processes:
        evaluation = _evaluate(run, loader, say)
        if formats:
            _export(run, formats, loader, processes, say)
    if config.report:
        _report(run, loader, evaluation, say)
    return evaluation, problem


def below_bar(config: RunConfig, judged: JudgedFigure) -> errors.KftError | None:
    """Return why a run is not good enough, None where it is or nothing was asked.

    Args:
        config: of the run.
        judged: on its validation examples; of several seeds their mean.
    """
    bar = config.assert_accuracy_at_least
    if bar is None:
        return None
    if judged.value is None:
        return errors.ConfigError(
            f"--assert_accuracy_at_least={bar:g} is about validation examples, and "
            f"--dataset={config.dataset} has none here: --validation_fraction makes "
            "some in a new run."
        )
    called = f"validation {judged.title}"
    if config.repeats > 1:
        called = f"mean {called} of {config.repeats} seeds"
    if folds.are_wanted(config):
        called = f"mean {called} of {config.folds} folds"
    return judged.problem(bar, called=called, effect="Nothing was exported.")


def _evaluate(
    run: RunDir, loader: "RunLoader", say: Callable[[str], None]
) -> "Evaluation | None":
    """Return the evaluation of a run; None where it has nothing to judge by.

    TensorBoard gets its part of it.
    """
    from kft.evaluation import evaluate_run
    from kft.reporting import tensorboard

    split = evaluate_run.judging_split(run)
    if split and not run.evaluation_json.is_file():
        say(f"Measuring the kept weights on the {split} examples.")
    evaluation = evaluate_run.of_split(run, split, loader=loader) if split else None
    config = run_dir.read_config(run)
    if trackers.TENSORBOARD in config.trackers:
        retry = f"python -m kft.train --flagfile={run.flags_cfg}"
        with _optional(f"{run.tensorboard} lacks the confusion matrix", retry):
            tensorboard.write(run, config, evaluation)
    return evaluation


def _report(
    run: RunDir,
    loader: "RunLoader",
    evaluation: "Evaluation | None",
    say: Callable[[str], None],
) -> None:
    """Write report.html, unless it is there and has the last exports."""
    page, parity = run.report_html, certificates.file_of(run)
    if page.is_file() and not (
        parity.is_file() and parity.stat().st_mtime > page.stat().st_mtime
    ):
        return
    from kft.reporting import write_report

    say(f"Writing {page}.")
    retry = f"python -m kft.report --run_dir={run.path}"
    with _optional(f"{page} was not written", retry):
        write_report.make(run, loader=loader, evaluation=evaluation)


def _print(text: str) -> None:
    rich_console.console().print(text, soft_wrap=True, markup=False)


@contextlib.contextmanager
def _optional(what: str, retry: str) -> Iterator[None]:
    """Log why the block fails, and go on.

    Args:
        what: is missing then.
        retry: the command that makes it, once that is mended.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001, a scheduler must not repeat the run
        is_mistake = isinstance(error, errors.KftError)
        logging.error(
            "%s: %s. The run is finished all the same; once that is mended: %s",
            what,
            str(error).rstrip("."),
            retry,
            exc_info=None if is_mistake else error,
        )


def _missing_formats(config: RunConfig, run: RunDir) -> tuple[str, ...]:
    """Return the formats of the run that are not there yet."""
    done = certificates.read(run)
    return tuple(name for name in config.export if not done.get(name, {}).get("passed"))


def _export(
    run: RunDir,
    formats: tuple[str, ...],
    loader: "RunLoader",
    processes: StandaloneProcesses,
    say: Callable[[str], None],
) -> None:
    """Write formats of the run."""
    from kft.exporters import export_run

    say(f"Exporting {', '.join(formats)}, checked in a fresh process.")
    exports = export_run.export_run(
        ExportConfig(run_dir=str(run.path), formats=formats),
        loader=loader,
        processes=processes,
    )
    for line in export_run.table(exports):
        say(line)
