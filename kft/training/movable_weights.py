"""What a stage can move: its values, and how they are put back."""

from collections.abc import Iterable, Mapping

import numpy as np

from kft.model import network
from kft.training.run_context import RunContext


class MovableWeights:
    """The variables that a stage can move, by their lasting names."""

    def __init__(self, context: RunContext, movable: Iterable[str]) -> None:
        self._names = tuple(movable)
        self._paths = network.stable_paths(context.network.model)

    def now(self) -> dict[str, np.ndarray]:
        """Return the values that the model has."""
        return {name: self._paths[name].numpy() for name in self._names}

    def assign(self, values: Mapping[str, np.ndarray]) -> None:
        """Give the model these values."""
        for name, value in values.items():
            self._paths[name].assign(value)
