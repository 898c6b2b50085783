"""A finished run or an export in Python: what `kft.load` returns."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft import errors
from kft.config import EvaluateConfig, RunConfig
from kft.data.sources import given
from kft.evaluation import evaluate_run, load_run
from kft.evaluation.evaluate_run import Evaluation
from kft.evaluation.load_run import LoadedRun
from kft.inference import (
    answers,
    find_model,
    given_inputs,
    load_export,
    output_formats,
    predictor,
)
from kft.inference.answers import Answer
from kft.inference.find_model import ModelPath
from kft.inference.given_inputs import Given, GivenBatch, Input
from kft.inference.predictor import Predictor
from kft.tasks import given_data
from kft.tasks.given_rows import Data
from kft.tasks.task import Tree


class Answers(list[Answer]):
    """Answers in the order of the inputs."""

    def __init__(
        self, answers: Iterable[Answer], fields: output_formats.Fields, top_k: int
    ) -> None:
        """Hold answers whose contents have these fields."""
        super().__init__(answers)
        self._fields = fields
        self._top_k = top_k

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame: the columns of `kft.predict --format=csv`.

        Raises:
            ImportError: where pandas is not installed.
        """
        import pandas as pd  # type: ignore[import-untyped]  # pandas-stubs

        columns = output_formats.columns(self._fields, self._top_k)
        rows = [
            output_formats.values(answer, self._fields, self._top_k) for answer in self
        ]
        return pd.DataFrame(rows, columns=columns)


class FinetunedModel:
    """A network that answers, with everything that belongs to it.

    Threads may share it. What only a run has (`keras`, `config`, `embed`, `explain`,
    `evaluate`) raises `errors.ConfigError` of an export.
    """

    def __init__(self, model: ModelPath) -> None:
        """Load it; raises what `load` does."""
        self._path = model.path
        self._model = model
        self._run: LoadedRun | None = None
        if model.kind == find_model.RUN:
            self._run = load_run.load(str(model.path))
            self._predictor = predictor.of_run(self._run)
        else:
            self._predictor = load_export.predictor(model)
        self._of_views: dict[str, Predictor] = {}

    @property
    def labels(self) -> Sequence[str]:
        """Return the classes, in the order of their ids."""
        return self._predictor.task.labels.names

    @property
    def config(self) -> RunConfig:
        """Return the options of the run."""
        return self._of_run("config").config

    @property
    def keras(self) -> keras.Model:
        """Return the network: what `kft.predict` makes of a file in, logits out."""
        return self._of_run("keras").model

    def predict(
        self,
        inputs: Input | Iterable[Input],
        *,
        batch_size: int = 32,
        top_k: int = 5,
        tta: str | None = None,
    ) -> Answers:
        """Return an answer for each input; its `content` is what `kft.predict` says.

        Args:
            inputs: one or many. A `Path` is a file, and so is a string, unless the
                network reads strings; bytes are the content of a file; of an array see
                `Serving.encode` of the task.
            batch_size: inputs that are computed together.
            top_k: the most alternatives in an answer.
            tta: of a run, the views that it answers with the mean over, such as `flip`.

        Raises:
            errors.ConfigError: for views that there are not.
            errors.DataError: naming the input that cannot be read.
        """
        asked = self._asked(tta)
        top_k = min(top_k, len(self.labels))
        found = [
            _answer(asked, given, row, top_k)
            for batch in given_inputs.batches(asked, inputs, batch_size)
            for given, row in zip(
                batch.given, _rows(asked.outputs(batch.inputs)), strict=False
            )
        ]
        return Answers(found, asked.task.serving.answer_fields, top_k)

    def _asked(self, tta: str | None) -> Predictor:
        """Return what answers with the mean over views, or without any."""
        if tta is None:
            return self._predictor
        if tta not in self._of_views:
            find_model.check_views(self._model, tta)
            run = load_run.with_views(self._of_run("tta"), tta)
            self._of_views[tta] = predictor.of_run(run)
        return self._of_views[tta]

    def embed(
        self, inputs: Input | Iterable[Input], *, batch_size: int = 32
    ) -> np.ndarray:
        """Return what the head reads of each input: the features, float32 [n, ...].

        Args:
            inputs: see `predict`.
            batch_size: inputs that are computed together.

        Raises:
            errors.DataError: naming the input that cannot be read.
        """
        found = [
            self._features(batch.inputs).numpy()[: len(batch.given)]
            for batch in self._batches(inputs, batch_size)
        ]
        return np.concatenate(found)

    @functools.cached_property
    def _features(self) -> Callable[[Tree], tf.Tensor]:
        network = self._of_run("embed").network
        anchor = network.model.get_layer(network.head_anchor)
        features = keras.Model(network.model.inputs, anchor.output)

        def call(inputs: Tree) -> tf.Tensor:
            return tf.cast(features(inputs, training=False), tf.float32)

        traced: Callable[[Tree], tf.Tensor] = tf.function(call, reduce_retracing=True)
        return traced

    def explain(self, value: Input, *, target: int | str | None = None) -> str:
        """Return where the network looked, as HTML to lay over the example.

        Args:
            value: one input, see `predict`.
            target: the class that is asked about, or its id; by default the answer.

        Raises:
            errors.ConfigError: where that is not known of this network, or of a class.
            errors.DataError: for an input that cannot be read.
        """
        run = self._of_run("explain")
        reason = run.task.display.unexplained(run.network)
        if reason:
            raise errors.ConfigError(f"explain: {reason}")
        (batch,) = self._batches([value], 1)
        if target is None:
            scores = self._predictor.outputs(batch.inputs)[run.task.serving.scores][0]
            asked: Any = scores.argmax(axis=-1)
        else:
            asked = self._class_id(target)
        arrays = tf.nest.map_structure(lambda tensor: tensor.numpy(), batch.inputs)
        (shown,) = run.task.display.explain(
            run.network,
            list(_rows(arrays)),
            targets=[asked],
            payloads=[batch.given[0].payload],
        )
        return shown

    def evaluate(
        self,
        data: str | Data | None = None,
        *,
        split: str = "validation",
        tta: str | None = None,
    ) -> Evaluation:
        """Return the figures on a split of the run, or of other data.

        Args:
            data: written like --dataset, or as `kft.fine_tune` takes it; by default the
                data of the run. Numbers as labels are names where all classes are
                called by numbers, else they count the classes from 0.
            split: `train`, `validation` or `test`.
            tta: see `predict`.

        Raises: what `evaluate_run.evaluate` does.
        """
        run = self._of_run("evaluate")
        with contextlib.ExitStack() as stack:
            if data is not None and not isinstance(data, str):
                examples = given_data.examples_of(
                    data,
                    run.config,
                    self.labels,
                    numbers_are_names=all(map(str.isdecimal, self.labels)),
                )
                data = stack.enter_context(given.kept(examples))
            run_dir = str(run.run.path)
            return evaluate_run.evaluate(
                EvaluateConfig(run_dir=run_dir, data=data, split=split, tta=tta)  # type: ignore[arg-type]  # the config checks it
            )

    def _of_run(self, what: str) -> LoadedRun:
        if self._run is None:
            raise errors.ConfigError(
                f"{what}: {self._path} is an export, which has its answers only. "
                "Expected a run folder."
            )
        return self._run

    def _class_id(self, target: int | str) -> int:
        if isinstance(target, str):
            if target not in self.labels:
                raise errors.ConfigError(
                    f"target={target!r}: {errors.closest(target, self.labels)}"
                )
            return self.labels.index(target)
        if not 0 <= target < len(self.labels):
            raise errors.ConfigError(
                f"target={target}: expected 0 to {len(self.labels) - 1}."
            )
        return target

    def _batches(
        self, inputs: Input | Iterable[Input], batch_size: int
    ) -> Iterator[GivenBatch]:
        return given_inputs.batches(self._predictor, inputs, batch_size)


def load(path: str | os.PathLike[str]) -> FinetunedModel:
    """Return a finished run, or an export of any format, as something to ask.

    Args:
        path: of a run folder, of the folder of a SavedModel, of a `.tflite` or of an
            `.onnx` file.

    Raises:
        errors.ConfigError: where there is none, or a package is missing that runs it.
        errors.RunDirError: for a run that is not finished, or damaged.
    """
    return FinetunedModel(find_model.find(os.fspath(path)))


def _answer(asked: Predictor, given: Given, row: Any, top_k: int) -> Answer:
    """Return what the outputs for an input say; raises DataError where it is unread."""
    found = answers.of_row(asked, given.name, row, given.payload, top_k)
    if found.error is not None:
        raise errors.DataError(f"{given.name}: {found.error}.")
    return found


def _rows(outputs: Any) -> Iterator[Any]:
    """Yield the examples of a batch of arrays."""
    count = len(tf.nest.flatten(outputs)[0])
    for rank in range(count):
        yield tf.nest.map_structure(lambda array, rank=rank: array[rank], outputs)
