"""The mean of the weights of several epochs of a stage, kept where it validates better.

The mean of all last epochs is a uniform soup, that of the best ones, added one by one
where validation gains, a greedy soup (Wortsman et al., Model soups, 2022,
arXiv:2203.05482; there of several runs). It costs nothing when it answers: it is one
network.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from kft.config.averaging import Averaging
from kft.run_folder.history import EpochRecord
from kft.training import checkpoints
from kft.training.movable_weights import MovableWeights
from kft.training.run_context import RunContext
from kft.training.run_state import Best, RunState

Figures = Mapping[str, float]
_Weights = dict[str, np.ndarray]


class EpochWeights:
    """What a stage can move, as its candidates among the epochs ended with it.

    They are in memory and part of each checkpoint of the stage: `count` times what the
    stage can move.
    """

    def __init__(
        self, context: RunContext, movable: Iterable[str], averaging: Averaging
    ) -> None:
        self._averaging = averaging
        self._monitor = context.task.objective.monitor
        self._say = context.io.reporter.say
        self._weights = MovableWeights(context, movable)
        self._kept: dict[int, _Weights] = {}

    def keep(self, state: RunState, validation: Figures) -> None:
        """Remember the weights that the model has now, if they are to be averaged.

        Args:
            state: at the end of an epoch, before it is counted.
            validation: figures of these weights.
        """
        epoch = state.epoch + 1
        self._kept[epoch] = self._weights.now()
        figures = {**_figures(state), epoch: validation}
        for surplus in self._in_order(figures)[self._averaging.count :]:
            del self._kept[surplus]

    def _in_order(self, figures: Mapping[int, Figures]) -> Sequence[int]:
        """Return the epochs that are kept, those first that stay longest."""
        if self._averaging.order == "last":
            return sorted(self._kept, reverse=True)
        # Of two alike the earlier one, as it is for the best epoch.
        return sorted(
            sorted(self._kept),
            key=lambda epoch: self._monitor.rank(figures[epoch]),
            reverse=True,
        )

    def arrays(self) -> _Weights:
        """Return what a checkpoint holds of them."""
        return {
            f"{checkpoints.EPOCH}{epoch}/{path}": value
            for epoch, weights in self._kept.items()
            for path, value in weights.items()
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take them out of the arrays of a checkpoint."""
        self._kept = {}
        for name, value in arrays.items():
            if name.startswith(checkpoints.EPOCH):
                epoch, path = name.removeprefix(checkpoints.EPOCH).split("/", 1)
                self._kept.setdefault(int(epoch), {})[path] = value

    def try_mean(
        self,
        state: RunState,
        *,
        validate: Callable[[], Figures],
        keep_best: Callable[[], None],
    ) -> RunState:
        """Return the state of a stage after its last epoch, with a mean that is better.

        The model has the weights of the last epoch before and afterwards.

        Args:
            state: after the last epoch of the stage.
            validate: returns the figures of the weights that the model has.
            keep_best: called while the model has a mean that is the best of the run.

        Raises:
            errors.Interrupted: after a signal; the state of the last epoch is saved.
        """
        best = state.stage_best
        if best is None or len(self._kept) < 2:
            return state
        last = self._weights.now()
        epochs, figures = self._choose(state, validate)
        mean = dataclasses.replace(
            best, validation=dict(figures), averaged=tuple(sorted(epochs))
        )
        is_better = len(epochs) > 1 and self._is_better(figures, best)
        if mean.beats(state.best, self._monitor):
            self._assign_mean(epochs)
            keep_best()
            state = dataclasses.replace(state, best=mean)
        self._weights.assign(last)
        self._tell(best, mean, is_better=is_better)
        return dataclasses.replace(state, stage_best=mean) if is_better else state

    def _choose(
        self, state: RunState, validate: Callable[[], Figures]
    ) -> tuple[Sequence[int], Figures]:
        """Return the epochs of the mean, and its figures."""
        known = _figures(state)
        ordered = self._in_order(known)
        if self._averaging.order == "last":
            self._assign_mean(ordered)
            return ordered, validate()
        chosen, figures = [ordered[0]], known[ordered[0]]
        for epoch in ordered[1:]:
            self._assign_mean([*chosen, epoch])
            found = validate()
            if self._monitor.rank(found) > self._monitor.rank(figures):
                chosen, figures = [*chosen, epoch], found
        return chosen, figures

    def _is_better(self, figures: Figures, best: Best) -> bool:
        return self._monitor.rank(figures) > self._monitor.rank(best.validation)

    def _tell(self, best: Best, mean: Best, *, is_better: bool) -> None:
        if len(mean.averaged) < 2:
            self._say("No mean of the weights of several epochs validates better.")
            return
        name, epochs = self._monitor.name, ", ".join(map(str, mean.averaged))
        self._say(
            f"The mean of the weights of epochs {epochs} has {name} "
            f"{mean.validation[name]:.4f}, the best epoch {best.validation[name]:.4f}: "
            f"{'kept' if is_better else 'not kept'}."
        )

    def _assign_mean(self, epochs: Sequence[int]) -> None:
        """Give the model the mean of these epochs.

        Counters and the states of random numbers have none: they are those of the last
        of the epochs.
        """
        weights = [self._kept[epoch] for epoch in sorted(epochs)]
        means = dict(weights[-1])
        for path, value in means.items():
            if np.issubdtype(value.dtype, np.floating):
                total = np.mean(
                    [one[path] for one in weights], axis=0, dtype=np.float64
                )
                means[path] = total.astype(value.dtype)
        self._weights.assign(means)


def _figures(state: RunState) -> dict[int, Figures]:
    """Return the figures of validation of the epochs of the stage that are counted."""
    records: Sequence[EpochRecord] = state.history[len(state.history) - state.epoch :]
    return {record.epoch: record.validation for record in records}
