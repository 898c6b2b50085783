"""A finished run, back in memory: its config, labels, task and network."""

import dataclasses
import functools
from typing import Literal

import keras
import tensorflow as tf
from absl import logging

from kft import tasks
from kft.config import RunConfig
from kft.data.labels import LabelMap
from kft.distribution import runtime
from kft.distribution.replicas import Devices
from kft.metrics.predictions import Predictions
from kft.model.network import Network
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Preprocess, Task
from kft.tasks.traced_inputs import TracedInputs
from kft.tasks.views import Views
from kft.training import kept_weights
from kft.training.kept_network import KeptNetwork

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
        kept: of the run that has just ended in this process, whose network and devices
            these are; None where it was loaded from its folder.
        tta: name of the views whose mean `model` gives; None for the network alone.
        views: these views.
    """

    config: RunConfig
    run: RunDir
    labels: LabelMap
    task: Task
    network: Network
    devices: Devices
    data: str | None = None
    kept: KeptNetwork | None = None
    tta: str | None = None
    views: Views | None = None

    @functools.cached_property
    def model(self) -> keras.Model:
        """Return the graph from inputs to logits: of the network, or of views."""
        if self.views is None:
            return self.network.model
        return self.views.network(self.network.model)

    @property
    def other_labels(self) -> str:
        """Return the option by which examples have other labels than one class each.

        It is empty where each has one class.
        """
        if not self.task.objective.target_spec.shape.rank:
            return ""
        config = self.config
        return "--multi_label" if config.is_multi_label else f"--task={config.task}"

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the task's function from a payload to an input, traced once."""
        return self._traced.preprocess(training=training)

    @functools.cached_property
    def _traced(self) -> TracedInputs:
        return self.kept.traced if self.kept else TracedInputs(self.task.inputs)

    def predictions(self, split: str) -> Predictions | None:
        """Return those of a split that are in memory, None where there are none."""
        return self.kept.predictions.get(split) if self.kept else None


class RunLoader:
    """Loads a finished run when it is asked for, once for all who ask.

    Attributes:
        data: where its examples lie now, see `LoadedRun`.
    """

    def __init__(
        self,
        path: str,
        *,
        data: str | None = None,
        out: str | None = None,
        loaded: LoadedRun | None = None,
    ) -> None:
        """Load nothing yet; see `load`.

        Args:
            path: see `load`.
            data: likewise.
            out: likewise.
            loaded: the run as it computed in training, where it is there already.
        """
        self.data = data
        self._path = path
        self._out = out
        self._loaded = {} if loaded is None else {"run": loaded}

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


def loader_of(
    run: RunDir, *, data: str | None = None, kept: KeptNetwork | None = None
) -> RunLoader:
    """Return what loads the run of a folder.

    Args:
        run: the folder.
        data: see `LoadedRun`.
        kept: of that run, where it has just ended in this process.
    """
    out = None if run.out is None else str(run.out)
    loaded = None if kept is None else of_kept(run, kept)
    return RunLoader(str(run.path), data=data, out=out, loaded=loaded)


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
    config = _config(run, precision)
    labels = run_dir.read_labels(run)
    devices = runtime.start(config, seed=config.seed)
    task = tasks.get(config, labels, run=run)
    network = task.network(weights="none")
    kept_weights.load(network.model, run)
    return LoadedRun(config, run, labels, task, network, devices, data)


def with_views(run: LoadedRun, tta: str | None) -> LoadedRun:
    """Return a run that answers with the mean over views; see `kft.tasks.views`.

    Args:
        run: as it was loaded.
        tta: name of the views; None for the run as it is.

    Raises:
        errors.ConfigError: where the task has no such views.
    """
    if tta is None:
        return run
    views = tasks.views_of(run.config, run.task, tta)
    # What was kept in memory is of the network alone.
    return dataclasses.replace(run, task=views.task, kept=None, tta=tta, views=views)


def of_kept(run: RunDir, kept: KeptNetwork) -> LoadedRun:
    """Return the run that has just ended in this process, without loading its network.

    Args:
        run: its folder.
        kept: what it left in memory.

    Raises:
        errors.RunDirError: where the folder was damaged meanwhile.
    """
    config, labels = _config(run, "run"), run_dir.read_labels(run)
    return LoadedRun(
        config=config,
        run=run,
        labels=labels,
        # Not the task that trained: what it answers by was written at the end.
        task=tasks.get(config, labels, run=run),
        network=kept.network,
        devices=kept.devices,
        kept=kept,
    )


def _config(run: RunDir, precision: Precision) -> RunConfig:
    """Return the config of a run, for one device of this machine."""
    config = dataclasses.replace(
        run_dir.read_config(run),
        run_dir=str(run.path),
        strategy="single",
        devices=None,
        coordinator=None,
        num_workers=None,
        worker_index=None,
    )
    return dataclasses.replace(config, precision=_precision(config, precision))


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
