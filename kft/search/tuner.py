"""The trials of a search in turn: alone, as a worker, or as the chief of workers.

Of keras-tuner only the oracles and their protocol are used: its own tuner takes every
exception for a failed trial.
"""

import os
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from absl import logging
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client
from keras_tuner.src.engine.trial import Trial

from kft import errors
from kft.config import SearchConfig
from kft.run_folder.history import VALIDATION, prefixed
from kft.search import oracles, parallel, parameters, search_settings
from kft.search.oracles import STATUS, Oracle
from kft.search.parallel import Role
from kft.search.search_settings import Value
from kft.search.trial_records import Record

_SECONDS_BETWEEN_LOOKS = 0.2
_CHIEF_SECONDS = 600  # A worker may be started long before its chief.
_SECONDS_OF_A_CALL = 10
# For workers that ask again and again, to hear that there is no more to do.
_LAST_SECONDS = 5
_SECONDS_BETWEEN_REMINDERS = 60
_NO_ANSWER = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)

# Takes number, values and share of the epochs; returns how the trial ended.
RunTrial = Callable[[int, Mapping[str, Value], float], Record]


class _SilentChiefError(errors.TrainingError):
    """A chief that does not answer; it may not have been started yet."""


def search(
    oracle: Oracle,
    config: SearchConfig,
    *,
    state: Path,
    role: Role,
    run_trial: RunTrial,
    check: Callable[[], None],
) -> None:
    """Run trials until the oracle has no more.

    Args:
        oracle: of the search, as `oracles.build` returns it.
        config: of the search.
        state: file of the oracle.
        role: of this process; a chief runs no trials.
        run_trial: runs one.
        check: raises where the search has to stop between trials.

    Raises:
        errors.KftError: where the chief cannot listen, or does not answer.
    """
    if role.kind != "worker":
        is_free = config.tuner in ("random", "bayesian")
        own = parameters.own_values(oracle.space, config) if is_free else None
        oracle.keep_in(state, own, role.name)
    if role.kind == "chief":
        _serve(oracle, role, check)
        return
    asked = _Chief(oracle, role, state) if role.kind == "worker" else oracle
    budget = search_settings.total_epochs(config)
    while _one(asked, role.name, run_trial, budget=budget):
        check()


def _one(
    oracle: "Oracle | _Chief", name: str, run_trial: RunTrial, *, budget: int
) -> bool:
    """Run the next trial; return whether there may be more."""
    trial = oracle.create_trial(name)
    if trial is None or trial.status == STATUS.STOPPED:
        return False
    if trial.status == STATUS.IDLE:
        time.sleep(_SECONDS_BETWEEN_LOOKS)  # Others are at work.
        return True
    values = trial.hyperparameters.values
    share = values.get(oracles.BUDGET, budget) / budget
    record = run_trial(
        int(trial.trial_id), parameters.read(oracle.space, values), share
    )
    if record.status == "failed":
        trial.status, trial.message = STATUS.FAILED, record.message
    else:
        trial.status = STATUS.COMPLETED
        figures = prefixed(VALIDATION, record.validation)
        figure = oracle.objective.name
        oracle.update_trial(trial.trial_id, {figure: figures[figure]})
    oracle.end_trial(trial)
    return True


class _Chief:
    """The oracle as a worker reaches it: over the network, or gone when all is done."""

    def __init__(self, oracle: Oracle, role: Role, state: Path) -> None:
        self._oracle, self._role, self._state = oracle, role, state
        self.space, self.objective = oracle.space, oracle.objective
        os.environ[parallel.IP] = role.host
        self._client = oracle_client.OracleClient(oracle)

    def create_trial(self, name: str) -> Trial | None:
        """Return the next trial; None where the search is over.

        Asking twice is harmless: the chief gives a worker the trial that it has.
        """
        deadline = time.monotonic() + _CHIEF_SECONDS
        while not oracles.is_complete(self._state, self._oracle):
            try:
                return self._call(_SECONDS_OF_A_CALL, "create_trial", name)
            except _SilentChiefError:
                if time.monotonic() > deadline:
                    raise
        return None

    def update_trial(self, number: str, metrics: Mapping[str, float]) -> None:
        """Tell the figures of a trial."""
        self._call(_CHIEF_SECONDS, "update_trial", number, metrics)

    def end_trial(self, trial: Trial) -> None:
        """Tell that a trial has ended."""
        self._call(_CHIEF_SECONDS, "end_trial", trial)

    def _call(self, seconds: float, method: str, *arguments: Any) -> Any:
        oracle_client.TIMEOUT = seconds
        try:
            return getattr(self._client, method)(*arguments)
        except grpc.RpcError as error:
            kind = errors.TrainingError
            if error.code() in _NO_ANSWER:
                kind = _SilentChiefError
                advice = "Start it, then its workers, with the same command."
            else:
                advice = f"It says: {error.details()}. Look at what it printed."
            raise kind(
                f"The chief of the search at {self._role.address} does not answer "
                f"({error.code().name}). {advice}"
            ) from error


def _serve(oracle: Oracle, role: Role, check: Callable[[], None]) -> None:
    """Answer workers until there is no more to do.

    Raises:
        errors.ConfigError: where the address cannot be listened at.
        errors.RunDirError: where the state cannot be written.
    """
    servicer = oracle_chief.OracleServicer(oracle)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(role.address)
    except RuntimeError as error:
        raise errors.ConfigError(
            f"{role.address} cannot be listened at ({error}): see {parallel.PORT}."
        ) from error
    server.start()
    try:
        _wait(oracle, check)
    finally:
        # The last answer is on its way to its worker.
        server.stop(grace=1.0).wait()


def _wait(oracle: Oracle, check: Callable[[], None]) -> None:
    """Wait until all trials have ended, and the workers had time to hear of it."""
    reminded, completed = time.monotonic(), None
    while True:
        check()
        now = time.monotonic()
        if oracle.failure is not None:
            raise oracle.failure
        if oracle.is_complete:
            completed = completed or now
            if not oracle.tuner_ids or now - completed > _LAST_SECONDS:
                return
        elif now - reminded > _SECONDS_BETWEEN_REMINDERS:
            reminded = now
            logging.info("%s", _whom_it_waits_for(oracle))
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _whom_it_waits_for(oracle: Oracle) -> str:
    at_work = [
        f"{name} (trial {int(trial.trial_id)})"
        for name, trial in sorted(oracle.ongoing_trials.items())
    ]
    if not at_work:
        return "The chief waits for workers: start them with the same command."
    return (
        f"The chief waits for {', '.join(at_work)}. A worker that has ended with an "
        "error is started again with its own name, and takes up its trial."
    )
