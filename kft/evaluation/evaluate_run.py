"""The figures of a finished run on a split or on other data."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors, tasks
from kft.cli import progress_bar
from kft.cli.progress_bar import Advance, Bar
from kft.config import EvaluateConfig, Split
from kft.data import bad_examples, pipeline
from kft.data.examples import TEST, VALIDATION, Examples
from kft.data.labels import LabelMap
from kft.data.ragged import Rows
from kft.distribution.batch_sharing import BatchShare
from kft.evaluation import (
    accuracy_bar,
    calibrated_temperature,
    load_run,
    other_data,
    prediction_files,
    run_split,
)
from kft.evaluation.accuracy_bar import JudgedFigure
from kft.evaluation.load_run import LoadedRun, RunLoader
from kft.evaluation.prediction_files import PredictionSource
from kft.metrics.figures import Figures
from kft.metrics.predictions import Predictions
from kft.run_folder import run_dir, saved_config
from kft.run_folder.run_dir import RunDir
from kft.tasks.metric import Metric
from kft.tasks.task import Task
from kft.training.evaluator import Evaluator


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What a run is worth on examples, each counted once.

    Attributes:
        run: the run folder.
        source: what was measured on what.
        predictions: of every example.
        figures: of the predictions, as the task has them.
        monitor: which of them chose the weights.
        unknown: how many examples were left out, by classes that the run does not know.
    """

    run: RunDir
    source: PredictionSource
    predictions: Predictions
    figures: Figures
    monitor: Metric
    unknown: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def judged(self) -> JudgedFigure:
        """Return the figure that `--assert_accuracy_at_least` is about."""
        name, is_better = self.monitor.name, self.monitor.higher_is_better
        figures = self.figures.to_json()
        return accuracy_bar.judged(figures, name, higher_is_better=is_better)

    def to_json(self) -> dict[str, Any]:
        """Return what evaluation.json holds.

        Its figures are of the network's own output. Where an example has one class,
        `unknown` is there where examples were left out, `tta` where it is the mean over
        views.
        `temperature`, `served_loss` and `served_ece` are of the probabilities that the
        run is served with; None where it is not calibrated.
        """
        return {
            "run_dir": str(self.run.path),
            "data": self.source.data,
            "split": self.source.split,
            **({"tta": self.source.tta} if self.source.tta else {}),
            **({"unknown": dict(self.unknown)} if self.unknown else {}),
            **self.figures.to_json(),
            **calibrated_temperature.served(self.run, self.predictions),
        }


def evaluate(config: EvaluateConfig, *, bar: Bar = progress_bar.none) -> Evaluation:
    """Return the figures of a run on the examples that `config` names.

    Where the examples of the run are gone, the figures are those of the predictions
    that it keeps, if these are of the same split and weights; the log says so.

    Args:
        config: what is measured on what.
        bar: shows how many examples were read.

    Raises:
        errors.ConfigError, errors.DataError: for data that cannot be used.
        errors.RunDirError: for a folder of no finished run.
    """
    run = load_run.load(config.run_dir, data=config.data, out=config.out)
    run = load_run.with_views(run, config.tta)
    if config.data is not None and not other_data.is_of_run(run, config.data):
        return _of_other_data(run, config.data, config, bar)
    if config.data is not None:
        logging.info(
            "--data=%s has the examples that the run was made from: its %s split is "
            "measured.",
            *(config.data, config.split),
        )
    try:
        examples = run_split.of_split(run, config.split)
    except run_split.ExamplesGoneError as error:
        kept = _kept(run.run, config.split, tta=config.tta)
        if kept is None:
            raise
        logging.warning(
            "%s The figures are those of the predictions that the run keeps, of the "
            "same weights.",
            error,
        )
        return kept
    source = _source_of(run, run.config.dataset, config.split)
    predictions = predict(run, examples, bar=bar)
    return _measured(run.run, run.task, source, predictions)


def _of_other_data(
    run: LoadedRun, data: str, config: EvaluateConfig, bar: Bar
) -> Evaluation:
    found = other_data.load(
        run, data, config.split, unknown=config.unknown, named=config.named
    )
    source = _source_of(run, data, found.split)
    predictions = predict(run, found.examples, bar=bar)
    evaluation = _measured(run.run, run.task, source, predictions)
    return dataclasses.replace(evaluation, unknown=found.unknown)


def _source_of(run: LoadedRun, data: str, split: str) -> PredictionSource:
    return _source(run.run, data, split, run.labels, run.tta)


def _source(
    run: RunDir, data: str, split: str, labels: LabelMap, tta: str | None
) -> PredictionSource:
    return PredictionSource(
        data=data,
        split=split,
        weights=prediction_files.weights_digest(run),
        classes=labels.names,
        tta=tta,
    )


def of_split(
    run: RunDir,
    split: Split,
    *,
    loader: RunLoader | None = None,
    bar: Bar = progress_bar.none,
) -> Evaluation:
    """Return the evaluation on a split of the run, without predicting twice.

    The predictions that the run folder keeps are taken where they are those of this
    split and of these weights. Else they are made, and kept with their figures, unless
    the folder keeps those of another split or of other data, which somebody asked for.
    Where the folder cannot be written, the log says so.

    Args:
        run: the folder of a finished run.
        split: `train`, `validation` or `test`.
        loader: of the run, where others need it as well, or its examples were moved.
        bar: see `evaluate`.

    Raises: see `evaluate`.
    """
    found = _kept(run, split)
    evaluation = found or _anew(run, split, loader or load_run.loader_of(run), bar)
    written = _written(run)
    is_kept = found is not None and _is_same(written, found)
    if is_kept or _is_of_others(written, evaluation):
        return evaluation
    try:
        keep(evaluation)
    except errors.RunDirError as error:
        logging.warning("The evaluation is not kept. %s", error)
    return evaluation


def _anew(run: RunDir, split: Split, loader: RunLoader, bar: Bar) -> Evaluation:
    loaded = loader.loaded()
    source = _source_of(loaded, loaded.config.dataset, split)
    predictions = loaded.predictions(split)
    if predictions is None:
        predictions = predict(loaded, run_split.of_split(loaded, split), bar=bar)
    return _measured(run, loaded.task, source, predictions)


def judging_split(run: RunDir) -> Split | None:
    """Return the split that says how good a run is: validation, else test, if any.

    Raises:
        errors.RunDirError: where split.csv is damaged.
    """
    sides: tuple[Split, ...] = (VALIDATION, TEST)
    return next((side for side in sides if run_split.has_split(run, side)), None)


def keep(evaluation: Evaluation) -> None:
    """Write evaluation.json and the predictions; raises RunDirError where it cannot.

    They hold what was evaluated last.
    """
    run = evaluation.run
    prediction_files.write(run, evaluation.predictions, evaluation.source)
    run.write_json(run.evaluation_json, evaluation.to_json())


def predict(
    run: LoadedRun, examples: Examples, *, bar: Bar = progress_bar.none
) -> Predictions:
    """Return the predictions of examples.

    Args:
        run: whose network predicts.
        examples: of any split or data.
        bar: see `evaluate`.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    return Predictions(examples.ids, examples.labels, _logits(run, examples, bar))


def _logits(run: LoadedRun, examples: Examples, bar: Bar) -> Rows:
    """Return the logits of examples, [n, classes] or rows of them; see `Predictions`.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    inputs = run.task.inputs
    prepared = inputs.prepare(examples)
    preprocess = run.preprocess(training=False)
    batches = pipeline.eval_batches(
        prepared,
        preprocess,
        share=BatchShare(batch_size=run.config.settled_batch_size),
        boundaries=inputs.boundaries,
    )
    evaluator = Evaluator(run.task, run.model, devices=run.devices)
    try:
        with bar("examples", len(prepared)) as advance:
            return evaluator.predict(prepared, _counted(batches, advance))
    except tf.errors.OpError as error:
        raise bad_examples.explain_failure(error, [prepared], preprocess) from error


def _counted(batches: Any, advance: Advance) -> Iterator[Any]:
    """Yield batches, and count the examples of each once it has been computed."""
    for inputs, labels, weights in batches:
        yield inputs, labels, weights
        advance(int(np.count_nonzero(weights)))


def _measured(
    run: RunDir, task: Task, source: PredictionSource, found: Predictions
) -> Evaluation:
    objective = task.objective
    figures = objective.evaluate(found)
    return Evaluation(run, source, found, figures, objective.monitor)


def _kept(run: RunDir, split: str, tta: str | None = None) -> Evaluation | None:
    """Return the evaluation of the predictions that are kept, if they are of a split.

    And if they are of the views that `tta` names, or of none.

    The examples themselves are not looked at: those that changed count as they were.
    """
    paths = [run.predictions, RunDir(run.path).predictions]
    path = next((one for one in paths if one.is_file()), None)
    if path is None:
        return None
    config, labels = run_dir.read_config(run), run_dir.read_labels(run)
    source = _source(run, config.dataset, split, labels, tta)
    found = prediction_files.read(path, source)
    if found is None or set(found.ids) != set(run_split.split_ids(run, split)):
        return None
    task = tasks.get(config, labels, run=run)
    return _measured(run, task, source, found)


def _written(run: RunDir) -> Mapping[str, Any] | None:
    """Return what evaluation.json says, None where it is missing or damaged."""
    try:
        return saved_config.read_json(run.evaluation_json)
    except errors.RunDirError:
        return None


def _is_of_others(written: Mapping[str, Any] | None, evaluation: Evaluation) -> bool:
    """Return whether evaluation.json is about another split, other data or views."""
    if written is None:
        return False
    source = evaluation.source
    own = (source.data, source.split, source.tta)
    return (written.get("data"), written.get("split"), written.get("tta")) != own


def _is_same(written: Mapping[str, Any] | None, evaluation: Evaluation) -> bool:
    """Return whether evaluation.json says this; the folder may have been moved."""
    if written is None:
        return False
    expected = json.loads(json.dumps(evaluation.to_json()))
    return {**written, "run_dir": None} == {**expected, "run_dir": None}
