"""The report of a run: one page that a person can read, mail and believe."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from kft.cli import progress_bar
from kft.cli.progress_bar import Bar
from kft.data.examples import TRAIN, Examples
from kft.evaluation import (
    calibrated_temperature,
    evaluate_run,
    example_losses,
    load_run,
    run_split,
)
from kft.evaluation.evaluate_run import Evaluation
from kft.evaluation.load_run import LoadedRun, RunLoader
from kft.metrics.classification import ClassificationFigures
from kft.pages import render
from kft.reporting import (
    chart_files,
    class_sections,
    gallery,
    headline,
    length_chart,
    run_record,
    sections,
    stage_results,
)
from kft.reporting import doubted_labels as doubted_labels_lib
from kft.reporting.charts import LineChart
from kft.reporting.class_sections import ShownExamples
from kft.reporting.doubted_labels import DoubtedLabels
from kft.reporting.gallery import Card
from kft.reporting.run_record import RunRecord
from kft.run_folder.run_dir import RunDir

_WORST = 24
_TRAINING_EXAMPLES = 6


@dataclasses.dataclass(frozen=True)
class Report:
    """A page that is written.

    Attributes:
        path: of the page.
        verdict: what it says, in one sentence.
        files: the page, those of its curves and of its confusion matrix, and the table
            of doubted labels.
    """

    path: Path
    verdict: str
    files: tuple[Path, ...]


def make(
    run: RunDir,
    *,
    loader: RunLoader | None = None,
    evaluation: Evaluation | None = None,
    doubted_labels: int | None = None,
    bar: Bar = progress_bar.none,
) -> Report:
    """Write report.html of a finished run, whole or not at all, and its charts.

    Its figures are of the validation split, or of the test split where the run has no
    other; they are kept in evaluation.json unless it is about something else. Where the
    examples are gone, it is without them and says so; the figures are then those of the
    predictions that the run keeps.

    Args:
        run: the run folder.
        loader: of the run, where others need it as well, or its examples were moved.
        evaluation: on the split that judges the run, where it is known already.
        doubted_labels: how many training examples are listed by it; None for no list.
        bar: shows how many examples were read, and charts drawn.

    Raises:
        errors.ConfigError: for such a list where examples have not one class each.
        errors.DataError: where the examples are gone, and so are the predictions, or
            such a list is to be made; or where they are not where the loader says.
        errors.RunDirError: where the folder is of no finished run, damaged or full.
    """
    record = run_record.read(run)
    loader = loader or load_run.loader_of(run)
    split = evaluate_run.judging_split(run)
    if evaluation is None and split:
        evaluation = evaluate_run.of_split(run, split, loader=loader, bar=bar)
    doubted, files = None, [run.report_html]
    if doubted_labels is not None:
        doubted = doubted_labels_lib.find(loader.loaded(), doubted_labels, bar=bar)
    values = values_of(record, evaluation, loader.loaded(), doubted=doubted)
    run.write_text(run.report_html, render.render(__package__, "report.html", values))
    files += chart_files.write(run, record, evaluation, bar=bar)
    if doubted is not None:
        run.write_text(run.doubted_labels, doubted.to_csv())
        files.append(run.doubted_labels)
    return Report(run.report_html, values["verdict"], tuple(files))


def values_of(
    record: RunRecord,
    evaluation: Evaluation | None,
    run: LoadedRun,
    *,
    doubted: DoubtedLabels | None = None,
) -> Mapping[str, Any]:
    """Return what the template shows.

    Args:
        record: the run.
        evaluation: None where the run has nothing to be judged by.
        run: its network and its task, for the examples.
        doubted: training examples whose label it doubts, where they were asked for.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    choice = class_sections.choose(evaluation)
    training, gone = _examples(run, TRAIN)
    return {
        "record": record,
        "verdict": headline.verdict(record, evaluation, choice.pairs),
        "facts": tuple(sections.facts(record)),
        "options": tuple(sections.options(record.config)),
        "monitor": sections.title(record.result.monitor),
        "is_share": _is_share(record.result.metric, evaluation),
        "stages": stage_results.rows(record),
        "charts": (*sections.curves(record), *_lengths(run, training)),
        "gone": gone,
        "views": gallery.training_views(run, training, _TRAINING_EXAMPLES),
        "doubted": doubted,
        "views_text": sections.views_text(run.task.inputs),
        **(_judged(evaluation, run, choice) if evaluation else {"evaluation": None}),
    }


def _lengths(run: LoadedRun, training: Examples | None) -> tuple[LineChart, ...]:
    """Return the chart of the lengths of training examples, where they have some."""
    parts = {} if training is None else {TRAIN: training}
    chart = length_chart.of_splits(run.task.inputs, parts)
    return () if chart is None else (chart,)


def _is_share(metric: str, evaluation: Evaluation | None) -> bool:
    """Return whether what chose the weights is read as a percentage."""
    shown = () if evaluation is None else evaluation.figures.headline()
    return any(one.is_share for one in shown if one.name == metric)


def _judged(
    evaluation: Evaluation, run: LoadedRun, choice: ShownExamples
) -> Mapping[str, Any]:
    """Return what is shown of an evaluation."""
    figures = evaluation.figures
    values = {
        "tiles": tuple(sections.tiles(figures)),
        "other_figures": tuple(sections.other_figures(evaluation)),
        "breakdown": figures.breakdown(),
        "unexplained": _unexplained(run),
    }
    if not isinstance(figures, ClassificationFigures):
        worst = example_losses.worst(run.task.objective, evaluation.predictions, _WORST)
        cards = _cards(evaluation, run, worst.tolist())
        return {
            **values,
            "explanation": _explanation(run, cards),
            "evaluation": evaluation.to_json(),
            "classes": None,
            "worst": tuple(cards[i] for i in worst.tolist()),
        }
    cards = _cards(evaluation, run, choice.positions)
    calibration = calibrated_temperature.recorded(evaluation.run)
    classes = class_sections.of(
        figures,
        choice,
        cards,
        names=run.labels.names,
        temperature=calibration.temperature if calibration else None,
    )
    # The cells of many classes stand in their section, without those that are 0.
    shown = {
        k: v for k, v in evaluation.to_json().items() if not k.startswith("confusion")
    }
    return {
        **values,
        "explanation": _explanation(run, cards),
        "evaluation": shown,
        "classes": classes,
        "worst": (),
    }


def _explanation(run: LoadedRun, cards: Mapping[int, Card]) -> str:
    """Return what the overlays of cards show; empty where there are none."""
    has_overlays = any(card.overlay for card in cards.values())
    return run.task.display.explanation if has_overlays else ""


def _unexplained(run: LoadedRun) -> str:
    """Return why no card has an overlay, where the task has some of other networks."""
    display = run.task.display
    return display.unexplained(run.network) if display.explanation else ""


def _cards(
    evaluation: Evaluation, run: LoadedRun, positions: Sequence[int]
) -> Mapping[int, Card]:
    """Return the cards of examples at positions in the predictions."""
    found = evaluation.predictions
    examples, _ = _examples(run, evaluation.source.split)
    if examples is None:
        return gallery.cards(run, None, found, positions)
    places = {name: place for place, name in enumerate(examples.ids)}
    ordered = examples.take(np.array([places[name] for name in found.ids]))
    return gallery.cards(run, ordered, found, positions)


def _examples(run: LoadedRun, split: str) -> tuple[Examples | None, str]:
    """Return the examples of a split; None where they are gone, and what is to do."""
    try:
        return run_split.of_split(run, split), ""
    except run_split.ExamplesGoneError as error:
        logging.warning("The page is without examples. %s", error)
        return None, str(error)
