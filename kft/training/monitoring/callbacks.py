"""Drives ordinary Keras callbacks from kft's own loop."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kft.run_folder.history import VALIDATION, EpochRecord, prefixed

_MODEL = "model"
# Where less is better, Keras' monitors turn the sign of this at the end of the first
# epoch of a process: put back turned, it would be turned once more.
_SIGNED_BY_KERAS = ("min_delta",)


class Callbacks:
    """The user's callbacks; their `model` is the whole network.

    It is a view with the same layers: the optimizer that a callback expects as an
    attribute would otherwise be saved with the weights.

    Epochs count through all stages, so that a callback sees one run. As with Keras'
    `steps_per_execution`, batch hooks are called once per host call, with the index of
    its first batch (begin) and of its last (end).
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model
    ) -> None:
        self._callbacks: list[keras.callbacks.Callback] = []
        self._params: dict[str, int] | None = None
        self._model = keras.Model(model.inputs, model.outputs, name=model.name)
        self._model.stop_training = False
        for callback in callbacks:
            self.add(callback)

    def add(self, callback: keras.callbacks.Callback) -> None:
        """Take one more callback, before the run starts."""
        callback.set_model(self._model)
        self._callbacks.append(callback)

    @property
    def stop_training(self) -> bool:
        """Return whether a callback asked to end the stage."""
        return bool(self._model.stop_training)

    def train_begin(self, *, epochs: int, steps: int) -> None:
        """Start the run; the callbacks hear of it with the first stage.

        Keras compiles before it trains: a callback finds the optimizer when it begins.
        """
        self._params = {"epochs": epochs, "steps": steps, "verbose": 0}

    def _begin(self) -> None:
        params, self._params = self._params, None
        if params is not None:
            for callback in self._callbacks:
                callback.set_params(params)
                callback.on_train_begin()

    def train_end(self, logs: Mapping[str, float]) -> None:
        """End the run."""
        # Where nothing was left to train.
        self._begin()
        for callback in self._callbacks:
            callback.on_train_end(dict(logs))

    def stage_begin(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Show the callbacks the stage's optimizer, as `compile` would.

        What `restore` puts back comes after it, for callbacks forget at the beginning.
        """
        self._model.stop_training = False
        self._model.optimizer = optimizer
        self._begin()

    def epoch_begin(self, epoch: int) -> None:
        """Start an epoch, counted through the run."""
        for callback in self._callbacks:
            callback.on_epoch_begin(epoch)

    def epoch_end(self, epoch: int, record: EpochRecord) -> None:
        """End an epoch with its figures, named as Keras names them."""
        logs = {
            **record.train,
            **prefixed(VALIDATION, record.validation),
            "learning_rate": record.learning_rate,
        }
        for callback in self._callbacks:
            callback.on_epoch_end(epoch, dict(logs))

    def batch_begin(self, batch: int) -> None:
        """Start the host call whose first batch this is."""
        for callback in self._callbacks:
            callback.on_train_batch_begin(batch)

    def batch_end(self, batch: int, means: Mapping[str, float]) -> None:
        """End the host call whose last batch this is."""
        for callback in self._callbacks:
            callback.on_train_batch_end(batch, dict(means))

    def test_begin(self) -> None:
        """Start a validation."""
        for callback in self._callbacks:
            callback.on_test_begin()

    def test_end(self, means: Mapping[str, float]) -> None:
        """End a validation."""
        for callback in self._callbacks:
            callback.on_test_end(dict(means))

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the plain numbers and texts that the callbacks hold, for a resume.

        Keras callbacks have no protocol for their state; what counts epochs and best
        values (`EarlyStopping.wait`, `ReduceLROnPlateau.cooldown_counter`, ...) are
        plain attributes.
        """
        held = {
            f"{rank}:{type(callback).__name__}": {
                name: value
                for name, value in vars(callback).items()
                if _is_plain(value) and name not in _SIGNED_BY_KERAS
            }
            for rank, callback in enumerate(self._callbacks)
        }
        return {**held, _MODEL: {"stop_training": self.stop_training}}

    def restore(
        self, state: Mapping[str, Mapping[str, Any]], *, is_of_stage: bool
    ) -> None:
        """Put back what `state` returned, where the same callbacks are given again.

        Args:
            state: after an epoch.
            is_of_stage: whether that was an epoch of the stage that goes on; only then
                it counts that a callback asked to end the stage.
        """
        if is_of_stage:
            stop = state.get(_MODEL, {}).get("stop_training", False)
            self._model.stop_training = stop
        for rank, callback in enumerate(self._callbacks):
            saved = state.get(f"{rank}:{type(callback).__name__}", {})
            for name, value in saved.items():
                setattr(callback, name, value)


def _is_plain(value: Any) -> bool:
    if not isinstance(value, bool | int | float | str | None):
        return False
    return bool(json.loads(json.dumps(value)) == value)
