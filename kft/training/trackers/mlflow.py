"""A run in MLflow, by its own Keras callback.

MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and the other variables mean what they do
elsewhere.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import mlflow
import mlflow.keras

from kft import errors
from kft.config import flagfile
from kft.training.run_context import RunContext
from kft.training.trackers import trackers

_NAME = "mlflow"
_EXPERIMENT = "kft"


class _Continued(mlflow.keras.MlflowCallback):
    """The callback for a run that MLflow knows.

    The parameters of the optimizer are those of the first stage, and MLflow (3.17)
    refuses to change a parameter of a run.
    """

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write nothing: it is there."""


@contextlib.contextmanager
def track(context: RunContext) -> Iterator[keras.callbacks.Callback]:
    """Give the callback, and end the run there when the block ends.

    Raises:
        errors.ConfigError: where MLflow does not take the run.
    """
    run, identifier = context.run, trackers.kept_id(context.run, _NAME)
    try:
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT))
        started = mlflow.start_run(run_id=identifier, run_name=run.path.name)
        if identifier is None:
            mlflow.log_params(
                {
                    name: flagfile.format_value(value)
                    for name, value in vars(context.config).items()
                }
            )
    except mlflow.exceptions.MlflowException as error:
        raise errors.ConfigError(
            f"--trackers=mlflow: {error} MLFLOW_TRACKING_URI is "
            f"{mlflow.get_tracking_uri()}; {run.trackers_json} says which run goes on."
        ) from error
    trackers.keep_id(run, _NAME, started.info.run_id)
    status = "FAILED"
    try:
        yield mlflow.keras.MlflowCallback() if identifier is None else _Continued()
        mlflow.log_metrics(trackers.final_figures(run))
        status = "FINISHED"
    except errors.Interrupted:
        status = "KILLED"
        raise
    finally:
        mlflow.flush_async_logging()
        mlflow.end_run(status)
