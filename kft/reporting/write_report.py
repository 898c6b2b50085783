"""The report of a run: one page that a person can read, mail and believe."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kft.data.examples import TRAIN
from kft.evaluation import evaluate_run, load_run, run_split
from kft.evaluation.evaluate_run import Evaluation
from kft.evaluation.load_run import LoadedRun
from kft.reporting import (
    confusion,
    example_selection,
    gallery,
    headline,
    reliability_chart,
    render,
    run_record,
    sections,
    stage_results,
)
from kft.reporting.example_selection import Pair
from kft.reporting.gallery import Card
from kft.reporting.run_record import RunRecord
from kft.run_folder.run_dir import RunDir

_IMAGES = 24
_PAIRS = 10
_IMAGES_OF_PAIR = 6
_TRAINING_IMAGES = 6


@dataclasses.dataclass(frozen=True)
class Report:
    """A page that is written.

    Attributes:
        path: of the page.
        verdict: what it says, in one sentence.
    """

    path: Path
    verdict: str


def make(run: RunDir) -> Report:
    """Write report.html of a finished run, whole or not at all.

    Its figures are of the validation split, or of the test split where the run has no
    other; they are kept in evaluation.json unless it is about something else.

    Raises:
        errors.DataError: where the images of the run are gone.
        errors.RunDirError: where the folder is of no finished run, damaged or full.
    """
    record = run_record.read(run)
    split = evaluate_run.judging_split(run)
    evaluation = evaluate_run.of_split(run, split) if split else None
    values = values_of(record, evaluation, load_run.load(str(run.path)))
    run.write_text(run.report_html, render.render("report.html", values))
    return Report(run.report_html, values["verdict"])


def values_of(
    record: RunRecord, evaluation: Evaluation | None, run: LoadedRun
) -> Mapping[str, Any]:
    """Return what the template shows.

    Args:
        record: the run.
        evaluation: None where the run has nothing to be judged by.
        run: its network, for the images.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    pairs: tuple[Pair, ...] = ()
    if evaluation:
        pairs = example_selection.confused_pairs(
            evaluation.predictions, pairs=_PAIRS, images=_IMAGES_OF_PAIR
        )
    return {
        "record": record,
        "verdict": headline.verdict(record, evaluation, pairs),
        "facts": tuple(sections.facts(record)),
        "options": tuple(sections.options(record.config)),
        "stages": stage_results.rows(record),
        "charts": sections.curves(record),
        "views": gallery.training_views(
            run, run_split.of_split(run, TRAIN), _TRAINING_IMAGES
        ),
        "views_text": sections.views_text(record.config, run.task.inputs.is_augmented),
        **(_judged(evaluation, run, pairs) if evaluation else {"evaluation": None}),
    }


def _judged(
    evaluation: Evaluation, run: LoadedRun, pairs: Sequence[Pair]
) -> Mapping[str, Any]:
    """Return what is shown of an evaluation."""
    figures, names = evaluation.figures, run.labels.names
    predictions = evaluation.predictions
    mistakes = example_selection.worst_mistakes(predictions, _IMAGES)
    doubts = example_selection.least_certain(predictions, _IMAGES)
    shown = [*mistakes, *doubts, *(i for pair in pairs for i in pair.positions)]
    examples = run_split.of_split(run, evaluation.source.split)
    places = {name: place for place, name in enumerate(examples.ids)}
    examples = examples.take(np.array([places[name] for name in predictions.ids]))
    cards = gallery.cards(run, examples, predictions, shown)
    figures_json = {
        name: value
        for name, value in evaluation.to_json().items()
        if name != "confusion"
    }
    return {
        "evaluation": figures_json,
        # Of many classes, most cells are 0.
        "confusion_json": {
            "names": names,
            "cells": confusion.sparse(figures.confusion),
        },
        "tiles": tuple(sections.tiles(figures)),
        "confusion_table": confusion.table(figures.confusion, names),
        "confusion_map": confusion.draw(figures.confusion, names),
        "pairs": tuple(_pair(pair, names, cards) for pair in pairs),
        "reliability": reliability_chart.draw(figures.bins),
        "mistakes": tuple(cards[int(i)] for i in mistakes),
        "doubts": tuple(cards[int(i)] for i in doubts),
    }


def _pair(
    pair: Pair, names: Sequence[str], cards: Mapping[int, Card]
) -> Mapping[str, Any]:
    return {
        "label": names[pair.label],
        "answer": names[pair.answer],
        "examples": pair.examples,
        "of": pair.of,
        "share": pair.examples / pair.of,
        "cards": tuple(cards[i] for i in pair.positions),
    }
