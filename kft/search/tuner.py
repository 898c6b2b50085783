"""keras-tuner's oracles: which settings the next trial tries.

Only the oracles are used: its own tuner takes every exception for a failed trial.
"""

import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client
from keras_tuner.src.engine import trial as trials
from sklearn import exceptions

from kft import atomic, errors, kept_config
from kft.config import TuneConfig
from kft.search import parallel, settings, space
from kft.search.parallel import Role
from kft.search.records import Record
from kft.search.settings import Value
from kft.search.space import Choice, Dimension, Space

OBJECTIVE = "val_accuracy"
_DEFAULT_TRIALS = 12
_FACTOR = 3  # Of hyperband, as Li et al. 2018 advise: epochs from round to round.
_BUDGET = "tuner/epochs"
_SECONDS_BETWEEN_LOOKS = 0.2
_CHIEF_SECONDS = 600  # A worker may be started long before its chief.

# Takes number, values and share of the epochs; returns how the trial ended.
RunTrial = Callable[[int, Mapping[str, Value], float], Record]


class _OneFile:
    """Keeps an oracle and its trials in one file that is whole or absent.

    keras-tuner 1.4.8 writes several, in place: a kill between them loses trials.
    """

    def keep_in(self, path: Path, first: dict[str, Value] | None) -> None:
        """Take up what a file holds; a new search tries the values `first` first."""
        self._path, self._first, self.verbose = path, first, 0
        if path.exists():
            self.reload()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values of the next trial."""
        if self._first is not None and not self.trials:
            return {"status": trials.TrialStatus.RUNNING, "values": self._first}
        return super().populate_space(trial_id)

    def save(self) -> None:
        """Write the file."""
        content = {
            "oracle": self.get_state(),
            "trials": {name: t.get_state() for name, t in self.trials.items()},
        }
        atomic.write(self._path, json.dumps(content).encode())

    def reload(self) -> None:
        """Read the file; trials that had not ended are the next ones."""
        content = kept_config.read_json(self._path)
        self.trials = {
            name: trials.Trial.from_state(state)
            for name, state in content["trials"].items()
        }
        self.set_state(content["oracle"])
        self._retry_queue += [t.trial_id for t in self.ongoing_trials.values()]
        self.ongoing_trials = {}

    def _save_trial(self, trial: trials.Trial) -> None:
        """Leave it to `save`, which comes next."""

    def _check_consecutive_failures(self) -> None:
        """Leave it to whoever runs the trials; here it would stop a resume too."""

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> trials.Trial:
        """Note the figures of a trial; of one that is told twice, they count once."""
        self.trials[trial_id].metrics = type(self.trials[trial_id].metrics)()
        return super().update_trial(trial_id, metrics, step)


class _Random(_OneFile, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class _Bayesian(_OneFile, keras_tuner.oracles.BayesianOptimizationOracle):
    """Upper confidence bound of a Gaussian process; no trial twice."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next values; random ones where the process repeats itself."""
        with warnings.catch_warnings():
            # Of few trials the process can not tell how smooth the accuracy is.
            warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
            found = super().populate_space(trial_id)
        if found["values"] is not None and self._duplicate(found["values"]):
            return self._random_populate_space()
        return found


class _Hyperband(_OneFile, keras_tuner.oracles.HyperbandOracle):
    """Hyperband (Li et al. 2018); a trial with more epochs begins anew."""


class _Grid(_OneFile, keras_tuner.Oracle):
    """Every combination in turn; keras-tuner's own (1.4.8) stops when resumed."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the combination with the number of the trial."""
        rest, values = int(trial_id), {}
        for parameter in reversed(self.hyperparameters.space):
            options = list(parameter.values)
            rest, rank = divmod(rest, len(options))
            values[parameter.name] = options[rank]
        if rest:
            return {"status": trials.TrialStatus.STOPPED, "values": None}
        return {"status": trials.TrialStatus.RUNNING, "values": values}


def search(
    config: TuneConfig,
    dimensions: Space,
    *,
    state: Path,
    role: Role,
    run_trial: RunTrial,
    check: Callable[[], None],
) -> None:
    """Run trials until the oracle has no more.

    Args:
        config: of the search; `dimensions` is its space.
        state: file of the oracle.
        role: of this process; a chief runs no trials.
        run_trial: runs one.
        check: raises where the search has to stop between trials.

    Raises:
        errors.KftError: where the chief can not listen, or does not answer.
    """
    oracle = _oracle(config, dimensions)
    if role.kind == "worker":
        os.environ.setdefault(parallel.IP, role.ip)
        oracle_client.TIMEOUT = _CHIEF_SECONDS
        oracle = oracle_client.OracleClient(oracle)
    else:
        is_free = config.tuner in ("random", "bayesian")
        own = space.own_values(dimensions, config) if is_free else None
        oracle.keep_in(state, own)
    budget = settings.total_epochs(config)
    try:
        if role.kind == "chief":
            _serve(oracle, role, check)
            return
        while _one(oracle, role.name, dimensions, run_trial, budget=budget):
            check()
    except grpc.RpcError as error:
        raise errors.TrainingError(
            f"The chief of the search at {role.address} does not answer "
            f"({error.code().name}). Start it, then its workers, with the same command."
        ) from error


def _one(
    oracle: Any, name: str, dimensions: Space, run_trial: RunTrial, *, budget: int
) -> bool:
    """Run the next trial; return whether there may be more."""
    trial = oracle.create_trial(name)
    if trial.status == trials.TrialStatus.STOPPED:
        return False
    if trial.status == trials.TrialStatus.IDLE:
        time.sleep(_SECONDS_BETWEEN_LOOKS)  # Others are at work.
        return True
    values = trial.hyperparameters.values
    share = values.get(_BUDGET, budget) / budget
    record = run_trial(int(trial.trial_id), space.settle(dimensions, values), share)
    if record.val_accuracy is None:
        trial.status, trial.message = trials.TrialStatus.FAILED, record.message
    else:
        trial.status = trials.TrialStatus.COMPLETED
        oracle.update_trial(trial.trial_id, {OBJECTIVE: record.val_accuracy})
    oracle.end_trial(trial)
    return True


def _serve(oracle: _OneFile, role: Role, check: Callable[[], None]) -> None:
    """Answer workers until each of them has heard that there is no more to do."""
    servicer = oracle_chief.OracleServicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(role.address)
    except RuntimeError as error:
        raise errors.ConfigError(
            f"{role.address} can not be listened at ({error}): see {parallel.PORT}."
        ) from error
    server.start()
    try:
        while not (servicer.stop_triggered and oracle_chief.exit_chief(oracle)):
            check()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    finally:
        # The last answer is on its way to its worker.
        server.stop(grace=1.0).wait()


def _oracle(config: TuneConfig, dimensions: Space) -> Any:
    parameters = keras_tuner.HyperParameters()
    for dimension in dimensions:
        _register(parameters, dimension)
    arguments = {
        "objective": keras_tuner.Objective(OBJECTIVE, "max"),
        "hyperparameters": parameters,
        # keras-tuner takes 0 for no seed.
        "seed": config.seed + 1,
    }
    at_most = config.trials or _DEFAULT_TRIALS
    if config.tuner == "random":
        return _Random(max_trials=at_most, **arguments)
    if config.tuner == "bayesian":
        # Its own default, three for each setting, leaves few to learn from them.
        arguments["num_initial_points"] = max(3, at_most // 3)
        # Validation accuracies scatter; 1e-4 would take that for the shape of the peak.
        return _Bayesian(max_trials=at_most, alpha=1e-2, **arguments)
    if config.tuner == "grid":
        return _Grid(max_trials=config.trials, **arguments)
    oracle = _Hyperband(
        max_epochs=settings.total_epochs(config), factor=_FACTOR, **arguments
    )
    oracle.max_trials = config.trials
    return oracle


def _register(parameters: keras_tuner.HyperParameters, dimension: Dimension) -> None:
    if isinstance(dimension, Choice) or dimension.count is not None:
        # As texts, for numbers lose digits on the way to a worker.
        parameters.Choice(dimension.name, [str(v) for v in dimension.values()])
        return
    add = parameters.Int if dimension.whole else parameters.Float
    sampling = "log" if dimension.kind == "log" else "linear"
    add(dimension.name, dimension.low, dimension.high, sampling=sampling)
