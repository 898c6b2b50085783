"""The best weights of a stage: remembered in memory, written when the stage ends.

An epoch of the head alone takes less time than writing a backbone, so the file is
written once per stage; until then the best weights are part of each checkpoint.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from kft.model import lora, weights_file
from kft.training import checkpoints, finalize
from kft.training.movable_weights import MovableWeights
from kft.training.run_context import RunContext


class BestWeights:
    """Of what a stage can move; empty where it has not brought the best of the run."""

    def __init__(self, context: RunContext, movable: Iterable[str]) -> None:
        self._context = context
        self._weights = MovableWeights(context, movable)
        self._kept: dict[str, np.ndarray] = {}

    def keep(self) -> None:
        """Remember the weights that the model has now."""
        self._kept = self._weights.now()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint holds of them."""
        return {checkpoints.BEST + path: value for path, value in self._kept.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them out of the arrays of a checkpoint."""
        self._kept = {
            name.removeprefix(checkpoints.BEST): value
            for name, value in arrays.items()
            if name.startswith(checkpoints.BEST)
        }

    def write(self) -> dict[str, str] | None:
        """Write best.weights.h5; return its digests, None where nothing was brought."""
        if not self._kept:
            return None
        last = self._weights.now()
        self.assign()
        model, run = self._context.network.model, self._context.run
        with lora.merged(model):
            if self._context.devices.is_chief:
                run.write_bytes(run.best_weights, weights_file.to_bytes(model))
            digests = finalize.weight_digests(model)
        self._weights.assign(last)
        return digests

    def assign(self) -> None:
        """Give the model these weights, if the stage brought any."""
        self._weights.assign(self._kept)
