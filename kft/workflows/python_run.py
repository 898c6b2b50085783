"""A run from Python: what `kft.fine_tune` does."""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kft import errors, tasks
from kft.cli import startup_logs
from kft.config import RunConfig
from kft.data.sources import given
from kft.distribution import cluster
from kft.run_folder import folds
from kft.run_folder.run_result import RunResult
from kft.tasks import given_data
from kft.tasks.given_rows import Data
from kft.workflows import after_training, train_run

if TYPE_CHECKING:
    import keras

    from kft.evaluation.cross_validate import CrossValidation
    from kft.inference.finetuned_model import FinetunedModel
    from kft.training.monitoring.progress import Reporter


class FineTuned(RunResult):
    """The result of a run, and its network."""

    @functools.cached_property
    def model(self) -> "FinetunedModel":
        """Return what `kft.load` makes of the run folder, loaded when first asked for.

        Raises:
            errors.RunDirError: where the folder was damaged since.
        """
        from kft.inference import finetuned_model

        return finetuned_model.load(self.run_dir)


def fine_tune(
    config: RunConfig,
    *,
    data: Data | None = None,
    class_names: Sequence[str] | None = None,
    network: "keras.Model | None" = None,
    blocks: Mapping[str, str] | None = None,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    reporter: "Reporter | None" = None,
) -> FineTuned:
    """Train a run, and write the exports and the report that its config asks for.

    The same config on an unfinished run folder continues that run; on a finished one it
    trains nothing, and writes what is missing.

    Where several workers train together, each calls this with the same config, apart
    from `worker_index`, and all get the same result. Only the chief touches the folder.

    Args:
        config: the run. `run_dir` is where it goes; by default a folder in `runs/` that
            is named after data and network.
        data: examples that the program has, in place of the config's `dataset`:
            (inputs, labels), maybe with groups that each stay in one split; a
            pandas.DataFrame with the columns path or text, label, and maybe text_b and
            group; a tf.data.Dataset of (input, label) of known size; or a dict of these
            by train, validation and test. Inputs are arrays (uint8 [height, width, 3],
            or samples, float [n]), texts, encoded bytes or paths of files. Labels are
            names of classes, or numbers. They stay in memory as long as the process
            lives.
        class_names: of the classes whose numbers are labels, from 0; by default numbers
            are the names.
        network: a functional model without a head, with the weights that it has now,
            in place of the config's `backbone`; see `scaling` there.
        blocks: where it is cut: name of a block -> the layer whose output it reads.
        callbacks: ordinary Keras callbacks; their `model` is the whole network. With
            several workers each has to give the same ones.
        reporter: shows progress on the chief; by default on standard output.
            `kft.training.monitoring.progress.SilentReporter()` shows nothing.

    Raises:
        errors.ConfigError: for options that cannot work, before anything is loaded.
        errors.DataError: for data that cannot be used.
        errors.RunDirError: for a run folder that is in use, damaged or of another run.
        errors.TrainingError: for memory that ran out, or numbers that went wrong.
        errors.Interrupted: after a signal to any worker; the state is saved.
        errors.WorkerLostError: where another worker is gone.
        errors.AccuracyError: below `assert_accuracy_at_least`; nothing is exported.
    """
    startup_logs.from_python()
    config = _with_data(config, data, class_names)
    config = _with_network(config, network, blocks)
    from kft.training import fine_tune as training
    from kft.training.monitoring.progress import ConsoleReporter

    shown = reporter or ConsoleReporter()
    finished = training.finish(config, callbacks=callbacks, reporter=shown)
    workers = cluster.find(config, os.environ)
    if workers is None or workers.is_chief:
        after_training.complete(config, finished, say=shown.say)
    return FineTuned(**vars(finished.result))


def cross_validate(
    config: RunConfig,
    *,
    data: Data | None = None,
    class_names: Sequence[str] | None = None,
    network: "keras.Model | None" = None,
    blocks: Mapping[str, str] | None = None,
    reporter: "Reporter | None" = None,
) -> "CrossValidation":
    """Make a run for each of `folds`, as `python -m kft.train --folds=K` does.

    The same config goes on where it was stopped; finished runs are not repeated.
    Nothing is exported: folds judge the settings.

    Args:
        config: of the runs, with `folds` of 2 or more; its `run_dir` holds their
            folders, folds.json and out_of_fold.csv.
        data: see `fine_tune`.
        class_names: likewise.
        network: likewise; each run begins with the weights that it has now.
        blocks: likewise.
        reporter: likewise.

    Raises:
        errors.AccuracyError: where the mean is below `assert_accuracy_at_least`.
        errors.KftError: see `fine_tune`.
    """
    startup_logs.from_python()
    if not folds.are_wanted(config):
        raise errors.ConfigError(
            f"folds={config.folds}, fold={config.fold}: cross_validate makes the runs "
            "of all folds. Give folds=5, say, and no fold; fine_tune makes one of them."
        )
    config = _with_data(config, data, class_names)
    config = _with_network(config, network, blocks)
    from kft.evaluation import cross_validate as of_folds

    found = of_folds.cross_validate(config, reporter=reporter)
    problem = after_training.below_bar(config, train_run.mean_judged(found))
    if problem is not None:
        raise problem
    return found


def _with_data(
    config: RunConfig, data: Data | None, class_names: Sequence[str] | None
) -> RunConfig:
    """Return the config with `data` as its data set, if there is any.

    Raises:
        errors.ConfigError: where that cannot be.
        errors.DataError: for data that cannot be used.
    """
    if data is None:
        if class_names is not None:
            raise errors.ConfigError("class_names: expected together with data.")
        return config
    _check_is_default(config)
    dataset = given.keep(given_data.examples_of(data, config, class_names))
    return dataclasses.replace(config, dataset=dataset)


def _with_network(
    config: RunConfig, network: "keras.Model | None", blocks: Mapping[str, str] | None
) -> RunConfig:
    """Return the config with `network` as its backbone, if there is one.

    Raises:
        errors.ConfigError: where that cannot be.
    """
    if network is None:
        if blocks is not None:
            raise errors.ConfigError("blocks: expected together with network.")
        return config
    with_network = tasks.kind(config.task).with_network
    if with_network is None:
        raise errors.ConfigError(f"network: task={config.task} takes none.")
    changed: RunConfig = with_network(config, network, blocks)
    return changed


def _check_is_default(config: RunConfig) -> None:
    """Check that a config leaves to `data` what the examples are.

    Raises:
        errors.ConfigError: where it names other data, and `data` is given as well.
    """
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    is_given = config.dataset.startswith(f"{given.KIND}:")
    if config.dataset != fields["dataset"] and not is_given:
        raise errors.ConfigError(
            f"data is given, and so is dataset={config.dataset!r}: leave one of them "
            "out."
        )
