"""The trackers of a run: TensorBoard, Weights & Biases, MLflow.

The last two by the Keras callbacks that they bring, on the chief alone. A run that goes
on after a stop goes on there too: trackers.json in its folder has their names for it.
No TensorFlow is imported here before a run is tracked.
"""

import contextlib
import dataclasses
import importlib
import importlib.util
import typing
from collections.abc import Iterator

from kft import errors
from kft.config import RunConfig
from kft.run_folder import saved_config
from kft.run_folder.history import TEST, VALIDATION, prefixed
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult

if typing.TYPE_CHECKING:
    import keras

    from kft.training.run_context import RunContext

TENSORBOARD = "tensorboard"
_BEST = "best_" + VALIDATION


@dataclasses.dataclass(frozen=True)
class Tracker:
    """How a tracker is reached.

    Attributes:
        package: that has to be installed.
        extra: of kft, that installs it; None where kft always does.
        module: its `track(context)` is a context that gives a Keras callback; None for
            TensorBoard, whose events are a record of the run like metrics.jsonl.
    """

    package: str
    extra: str | None = None
    module: str | None = None


TRACKERS = {
    TENSORBOARD: Tracker("tensorboard"),
    "wandb": Tracker("wandb", "wandb", "kft.training.trackers.wandb"),
    "mlflow": Tracker("mlflow", "mlflow", "kft.training.trackers.mlflow"),
}


def check(config: RunConfig) -> None:
    """Check that every tracker exists and is installed.

    Raises:
        errors.ConfigError: naming one that is not, and the extra that installs it.
    """
    for name in config.trackers:
        if name not in TRACKERS:
            raise errors.ConfigError(
                f"--trackers: there is no tracker {name!r}. "
                f"{errors.closest(name, TRACKERS)}"
            )
    if len(set(config.trackers)) < len(config.trackers):
        names = ",".join(config.trackers)
        raise errors.ConfigError(f"--trackers={names} names a tracker twice.")
    chosen = [TRACKERS[name] for name in config.trackers]
    missing = [one for one in chosen if not importlib.util.find_spec(one.package)]
    if missing:
        packages = ", ".join(one.package for one in missing)
        extras = ",".join(one.extra for one in missing if one.extra)
        raise errors.ConfigError(
            f"--trackers={','.join(config.trackers)} needs what is not installed "
            f"({packages}): {errors.install(extras)}"
        )


@contextlib.contextmanager
def tracking(context: "RunContext") -> Iterator[None]:
    """Add the callbacks of the trackers to those of a run, on the chief.

    Raises:
        errors.ConfigError: for a tracker that does not take the run.
        errors.TrainingError: on the other workers, where the chief has none of them.
    """
    with contextlib.ExitStack() as stack:
        with context.devices.together("start the trackers"):
            if context.devices.is_chief:
                for callback in _entered(context, stack):
                    context.callbacks.add(callback)
        yield


def _entered(
    context: "RunContext", stack: contextlib.ExitStack
) -> "Iterator[keras.callbacks.Callback]":
    for name in context.config.trackers:
        module = TRACKERS[name].module
        if module is not None:
            track = importlib.import_module(module).track
            yield stack.enter_context(track(context))


def kept_id(run: RunDir, name: str) -> str | None:
    """Return how a tracker calls the run; None where it does not know it yet.

    Raises:
        errors.RunDirError: where trackers.json is damaged.
    """
    if not run.trackers_json.exists():
        return None
    found = saved_config.read_json(run.trackers_json).get(name)
    if found is not None and not isinstance(found, str):
        raise errors.RunDirError(
            f"{run.trackers_json} is damaged: {name} is {found!r:.40}. Remove it; the "
            "curves begin anew in the tracker."
        )
    return found


def keep_id(run: RunDir, name: str, identifier: str) -> None:
    """Write down how a tracker calls the run; raises RunDirError where it cannot."""
    known = {}
    if run.trackers_json.exists():
        known = saved_config.read_json(run.trackers_json)
    run.write_json(run.trackers_json, {**known, name: identifier})


def best_tag(figure: str) -> str:
    """Return the tag of a figure of validation, such as accuracy, of a whole run.

    It is of the weights that the run has kept, not of the last epoch, which in pruned
    and scaled trials is not the best.
    """
    return _BEST + figure


def final_figures(run: RunDir) -> dict[str, float]:
    """Return the figures of the weights that a finished run has kept."""
    result = RunResult.read(run)
    validation = prefixed(_BEST, result.validation)
    return {**validation, **prefixed(TEST, result.test)}
