"""An export as something to ask: labels and preprocessing come out of it alone."""

import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors, exporters, tasks
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from kft.exporters import Exporter
from kft.inference import find_model
from kft.inference import predictor as inference_predictor
from kft.inference.find_model import ModelPath
from kft.inference.predictor import Predictor
from kft.tasks.task import ServedTask, Tree

# (payload, one input, answer as class ids) -> HTML of the example, and HTML of where
# the network looked, to lay over it; None where that is not known.
View = Callable[[bytes, Tree, Any], tuple[str, str | None]]


def predictor(model: ModelPath, *, tta: str | None = None) -> Predictor:
    """Return the predictor of a finished run, or of an export of any format.

    Args:
        model: what is asked.
        tta: name of the views that a run answers with the mean over; None for none.

    Raises:
        errors.RunDirError: for a folder of no finished run.
        errors.ConfigError: for an export that is damaged, or was not made by kft; and
            for views that there are not.
    """
    find_model.check_views(model, tta)
    if model.kind == find_model.RUN:
        run = load_run.with_views(load_run.load(str(model.path)), tta)
        return inference_predictor.of_run(run)
    exporter = exporters.EXPORTERS[model.kind]
    task = _task(model, exporter)
    try:
        ask = exporter.format.open_export(str(model.path))
    except (ValueError, OSError, RuntimeError, tf.errors.OpError) as error:
        raise _damaged(model, str(error)) from error

    def by_requests(requests: tf.Tensor) -> Mapping[str, np.ndarray]:
        return ask(requests.numpy().tolist())

    def by_tensors(inputs: Tree) -> Mapping[str, np.ndarray]:
        return ask(tf.nest.map_structure(lambda tensor: tensor.numpy(), inputs))

    if exporter.takes == "bytes":
        return Predictor(task, by_requests, takes_requests=True)
    return Predictor(task, by_tensors)


def with_view(model: ModelPath) -> tuple[Predictor, View | None]:
    """Return the predictor of a model, and what shows an example as the network has it.

    Only a run's network can be taken apart for that. Raises what `predictor` does.
    """
    if model.kind != find_model.RUN:
        return predictor(model), None
    run = load_run.load(str(model.path))
    display = run.task.display
    is_explained = not display.unexplained(run.network)

    def view(payload: bytes, inputs: Tree, target: Any) -> tuple[str, str | None]:
        seen = display.example_html(payload, inputs)
        if not is_explained:
            return seen, None
        (explained,) = display.explain(
            run.network, [inputs], targets=[target], payloads=[payload]
        )
        return seen, explained

    return inference_predictor.of_run(run), view


def _task(model: ModelPath, exporter: Exporter) -> ServedTask:
    """Return the task that labels and metadata inside an export make.

    Raises:
        errors.ConfigError: where they are not there.
    """
    try:
        names, metadata = exporter.format.read_metadata(model.path)
        return tasks.from_export(LabelMap(names), metadata)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(model, repr(error)) from error


def _damaged(model: ModelPath, reason: str) -> errors.ConfigError:
    return errors.ConfigError(
        f"--model={model.path} is damaged, or was not written by this version of "
        f"`python -m kft.export`: {reason}. Export it again."
    )
