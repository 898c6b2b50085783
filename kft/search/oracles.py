"""keras-tuner's oracles: which settings the next trial tries, kept in one file."""

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.src.engine import trial as kt_trial
from sklearn import exceptions

from kft import errors
from kft.config import SearchConfig
from kft.run_folder import atomic_files, saved_config
from kft.run_folder.history import VALIDATION
from kft.search import hyperband, search_settings
from kft.search import parameters as search_parameters
from kft.search.parallel import ALONE
from kft.search.parameters import Choice, Dimension, Space
from kft.search.search_settings import Value
from kft.tasks.metric import Metric

BUDGET = "tuner/epochs"
STATUS = kt_trial.TrialStatus
_DEFAULT_TRIALS = 12
_COMPLETE, _MOST = "is_complete", "max_trials"


class Oracle(keras_tuner.Oracle):
    """Keeps an oracle and its trials in one file that is whole or absent.

    keras-tuner 1.4.8 writes several, in place: a kill between them loses trials.

    Attributes:
        space: what the search varies.
        failure: why the file could not be written; None while it can.
    """

    space: Space
    failure: errors.KftError | None = None
    ongoing_trials: dict[str, kt_trial.Trial]

    def keep_in(self, path: Path, first: dict[str, Value] | None, name: str) -> None:
        """Take up what a file holds.

        Args:
            path: of the file.
            first: values that a new search tries first, if any.
            name: of the role of this process.

        Raises:
            errors.RunDirError: where the file is damaged.
        """
        self._path, self._first = path, first
        self.verbose, self._has_stopped = 0, False
        if not path.exists():
            return
        content = saved_config.read_json(path)
        try:
            self._take_up(content, name)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise errors.RunDirError(
                f"{path} is damaged, or of another keras-tuner: {error!r}. Restore it "
                "from a copy, or choose another --search_dir."
            ) from error

    def _take_up(self, content: Mapping[str, Any], name: str) -> None:
        self.trials = {
            number: kt_trial.Trial.from_state(state)
            for number, state in content["trials"].items()
        }
        self.set_state(content["oracle"])
        running = {
            tuner: trial
            for tuner, trial in self.ongoing_trials.items()
            if trial.status == STATUS.RUNNING
        }
        # A worker takes up its own trial; what nobody comes back for is the next one.
        self.ongoing_trials = {
            tuner: trial
            for tuner, trial in running.items()
            if ALONE not in (name, tuner)
        }
        kept = {trial.trial_id for trial in self.ongoing_trials.values()}
        left = [t.trial_id for t in running.values() if t.trial_id not in kept]
        self._retry_queue += left
        self._has_stopped = _is_complete(content, self.max_trials)

    @property
    def is_complete(self) -> bool:
        """Return whether there are no more trials, and all have ended."""
        running = [t.status == STATUS.RUNNING for t in self.ongoing_trials.values()]
        return self._has_stopped and not any(running) and not self._retry_queue

    def create_trial(self, tuner_id: str) -> kt_trial.Trial:
        """Return the next trial of a worker."""
        trial = super().create_trial(tuner_id)
        if trial.status == STATUS.STOPPED and not self._has_stopped:
            self._has_stopped = True
            self.save()
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values of the next trial, as a person would write them."""
        if self._first is not None and not self.trials:
            return {"status": STATUS.RUNNING, "values": self._first}
        return self._written(super().populate_space(trial_id))

    def _written(self, found: dict[str, Any]) -> dict[str, Any]:
        values = found.get("values")
        if values is None:
            return found
        return {
            **found,
            "values": values | search_parameters.written(self.space, values),
        }

    def save(self) -> None:
        """Write the file."""
        content = {
            "oracle": self.get_state(),
            "trials": {name: t.get_state() for name, t in self.trials.items()},
            _COMPLETE: self.is_complete,
            _MOST: self.max_trials,
        }
        try:
            atomic_files.write(self._path, json.dumps(content).encode())
        except errors.KftError as error:
            self.failure = error
            raise

    def _save_trial(self, trial: kt_trial.Trial) -> None:
        """Leave it to `save`, which comes next."""

    def _check_consecutive_failures(self) -> None:
        """Leave it to whoever runs the trials; here it would stop a resume too."""

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> kt_trial.Trial:
        """Note the figures of a trial; of one that is told twice, they count once."""
        self.trials[trial_id].metrics = type(self.trials[trial_id].metrics)()
        return super().update_trial(trial_id, metrics, step)


class _Random(Oracle, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class _Bayesian(Oracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Upper confidence bound of a Gaussian process; no trial twice."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next values; random ones where the process repeats itself."""
        with warnings.catch_warnings():
            # Of few trials the process cannot tell how smooth the figure is.
            warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
            found = super().populate_space(trial_id)
        for _ in range(self._max_collisions):
            if found["values"] is None or not self._duplicate(found["values"]):
                return found
            found = self._written(self._random_populate_space())
        return {"status": STATUS.STOPPED, "values": None}


class _Hyperband(Oracle, keras_tuner.oracles.HyperbandOracle):
    """Hyperband (Li et al. 2018); a trial with more epochs begins anew."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next values; failed trials count as the worst of their round.

        keras-tuner (1.4.8) waits for as many trials that end well as a round has.
        """
        failed = [t for t in self.trials.values() if t.status == STATUS.FAILED]
        worst = -math.inf if self.objective.direction == "max" else math.inf
        try:
            for trial in failed:
                trial.status, trial.score = STATUS.COMPLETED, worst
            return super().populate_space(trial_id)
        finally:
            for trial in failed:
                trial.status, trial.score = STATUS.FAILED, None


class _Grid(Oracle):
    """Every combination in turn; keras-tuner's own (1.4.8) stops when resumed."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the combination with the number of the trial."""
        rest, values = int(trial_id), {}
        for parameter in reversed(self.hyperparameters.space):
            options = list(parameter.values)
            rest, rank = divmod(rest, len(options))
            values[parameter.name] = options[rank]
        if rest:
            return {"status": STATUS.STOPPED, "values": None}
        return {"status": STATUS.RUNNING, "values": values}


def build(config: SearchConfig, space: Space, monitor: Metric) -> Oracle:
    """Return the oracle of a search; on all but workers `keep_in` comes next.

    Args:
        config: of the search.
        space: what it varies.
        monitor: the figure of validation that trials are compared by.
    """
    oracle = _build(config, space, monitor)
    oracle.space = space
    return oracle


def _build(config: SearchConfig, space: Space, monitor: Metric) -> Oracle:
    parameters = keras_tuner.HyperParameters()
    for dimension in space:
        _register(parameters, dimension)
    arguments = {
        "objective": keras_tuner.Objective(
            VALIDATION + monitor.name, "max" if monitor.higher_is_better else "min"
        ),
        "hyperparameters": parameters,
        "seed": _seed(config.seed),
    }
    at_most = config.trials or _DEFAULT_TRIALS
    if config.tuner == "random":
        return _Random(max_trials=at_most, **arguments)
    if config.tuner == "bayesian":
        # Its own default, three for each setting, leaves few to learn from them.
        arguments["num_initial_points"] = max(3, at_most // 3)
        # Figures scatter: 1e-4 would take that for the shape of the peak, and 2.6
        # standard deviations of hope lead a dozen trials into all the corners.
        return _Bayesian(max_trials=at_most, alpha=1e-2, beta=1.0, **arguments)
    if config.tuner == "grid":
        return _Grid(max_trials=config.trials, **arguments)
    oracle = _Hyperband(
        max_epochs=search_settings.total_epochs(config),
        factor=hyperband.FACTOR,
        **arguments,
    )
    oracle.max_trials = config.trials
    return oracle


def is_complete(path: Path, oracle: Oracle) -> bool:
    """Return whether the file of a search says that there is nothing more to run."""
    if not path.exists():
        return False
    return _is_complete(saved_config.read_json(path), oracle.max_trials)


def _is_complete(content: Mapping[str, Any], most: int | None) -> bool:
    return bool(content.get(_COMPLETE)) and content.get(_MOST) == most


def _seed(seed: int) -> int:
    """Return keras-tuner's seed, above 0, which it takes for none.

    It counts the seed up with each value: the next one would draw nearly the same.
    """
    return 1 + int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1)


def _register(parameters: keras_tuner.HyperParameters, dimension: Dimension) -> None:
    if isinstance(dimension, Choice):
        parameters.Choice(dimension.name, list(dimension.options))
    elif dimension.count is not None:
        # Texts, as the options of a choice are.
        options = [str(value) for value in dimension.spaced(dimension.count)]
        parameters.Choice(dimension.name, options)
    else:
        add = parameters.Int if dimension.whole else parameters.Float
        sampling = "log" if dimension.kind == "log" else "linear"
        add(dimension.name, dimension.low, dimension.high, sampling=sampling)
