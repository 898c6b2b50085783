"""A finished run, back in memory: its config, labels, task and network."""

import dataclasses
import functools
import warnings
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors, tasks
from kft.config import RunConfig
from kft.data.labels import LabelMap
from kft.distribution import runtime
from kft.distribution.replicas import Devices
from kft.model.network import Network
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Preprocess, Task
from kft.tasks.traced_inputs import TracedInputs

Precision = Literal["run", "float32"]


@dataclasses.dataclass(frozen=True)
class LoadedRun:
    """What training left behind.

    Attributes:
        config: of the run; strategy and precision are those in use now.
        run: the run folder.
        labels: the classes.
        task: says what goes in and what comes out.
        network: with the kept weights.
        devices: where it computes: one device.
        data: where its examples lie now, written like --dataset; None where they lie as
            the run says.
    """

    config: RunConfig
    run: RunDir
    labels: LabelMap
    task: Task
    network: Network
    devices: Devices
    data: str | None = None

    @property
    def model(self) -> keras.Model:
        """Return the network's graph, from inputs to logits."""
        return self.network.model

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the task's function from a payload to an input, traced once."""
        return self._traced.preprocess(training=training)

    @functools.cached_property
    def _traced(self) -> TracedInputs:
        return TracedInputs(self.task.inputs)


class RunLoader:
    """Loads a finished run when it is asked for, once for all who ask.

    Attributes:
        data: where its examples lie now, see `LoadedRun`.
    """

    def __init__(
        self, path: str, *, data: str | None = None, out: str | None = None
    ) -> None:
        """Load nothing yet; see `load`."""
        self.data = data
        self._path = path
        self._out = out
        self._loaded: dict[str, LoadedRun] = {}

    def loaded(self, precision: Precision = "run") -> LoadedRun:
        """Return the run, see `load`."""
        found = self._loaded.get(precision)
        as_trained = self._loaded.get("run")
        if found is None and as_trained is not None and _is_exported_so(as_trained):
            found = as_trained
        if found is None:
            path, data, out = self._path, self.data, self._out
            found = load(path, precision=precision, data=data, out=out)
        self._loaded[precision] = found
        return found


def loader_of(run: RunDir, *, data: str | None = None) -> RunLoader:
    """Return what loads the run of a folder; `data` is that of `LoadedRun`."""
    out = None if run.out is None else str(run.out)
    return RunLoader(str(run.path), data=data, out=out)


def _is_exported_so(run: LoadedRun) -> bool:
    """Return whether a run computes in float32 on the CPU, as its export would."""
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    return not has_gpu and run.model.dtype_policy.name == "float32"


def load(
    path: str,
    *,
    precision: Precision = "run",
    data: str | None = None,
    out: str | None = None,
) -> LoadedRun:
    """Return a finished run. The weights are float32 whatever computes with them.

    Args:
        path: the run folder.
        precision: `run` computes as in training, where this machine can; an export is
            float32, for not every format has the mixed types.
        data: where its examples lie now, see `LoadedRun`.
        out: folder for what is made of it, in place of the run folder.

    Raises:
        errors.RunDirError: where the folder is none of a finished run, or is damaged.
    """
    run = run_dir.finished(path, out=out)
    config = _on_one_device(run_dir.read_config(run))
    config = dataclasses.replace(config, run_dir=str(run.path))
    config = dataclasses.replace(config, precision=_precision(config, precision))
    labels = run_dir.read_labels(run)
    devices = runtime.start(config, seed=config.seed)
    task = tasks.get(config, labels, kept=run.backbone)
    network = task.network(weights="none")
    _load_weights(network.model, run)
    return LoadedRun(config, run, labels, task, network, devices, data)


def _on_one_device(config: RunConfig) -> RunConfig:
    return dataclasses.replace(
        config,
        strategy="single",
        devices=None,
        coordinator=None,
        num_workers=None,
        worker_index=None,
    )


def _precision(
    config: RunConfig, precision: Precision
) -> Literal["auto", "float32", "bfloat16", "float16"]:
    if precision == "float32":
        return "float32"
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if config.precision == "float16" and not has_gpu:
        logging.warning("The run computed in float16; without a GPU it is float32.")
        return "float32"
    return config.precision


def _load_weights(model: keras.Model, run: RunDir) -> None:
    path = run.best_weights
    if not path.is_file():
        raise errors.RunDirError(
            f"{run.path} has no {path.name}, the weights that the run kept. Copy the "
            "whole run folder, or train again in another one."
        )
    try:
        with warnings.catch_warnings():
            # Keras (3.15.1) leaves out what it does not find in the file, and warns.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
        raise errors.RunDirError(
            f"{path} does not hold the weights of this run's network; it is damaged, "
            f"or labels.txt or config.json are of another run: {error}. Copy the whole "
            "run folder again, or train again in another one."
        ) from error
    _check_finite(model, path)


def _check_finite(model: keras.Model, path: Path) -> None:
    """Check that every weight is a number: with one that is none, no answer means any.

    Raises:
        errors.RunDirError: naming the first that is not.
    """
    for variable in model.variables:
        values = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise errors.RunDirError(
                f"{path} holds numbers that are none (NaN or infinity), first in "
                f"{variable.path}: it is damaged, or was not written by kft. Copy the "
                "whole run folder again, or train again in another one."
            )
