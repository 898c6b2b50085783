"""The figure that `--assert_accuracy_at_least` is about. No TensorFlow here."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.run_folder.run_result import RunResult

_ACCURACY = "accuracy"


@dataclasses.dataclass(frozen=True)
class JudgedFigure:
    """The figure that a bar is about.

    Attributes:
        name: the accuracy, or where a task has none the figure that chooses the best
            weights.
        value: None where it is not known.
        higher_is_better: where False, the bar is the highest value that passes.
    """

    name: str
    value: float | None
    higher_is_better: bool = True

    def passes(self, bar: float) -> bool:
        """Return whether the figure is known, and as good as the bar."""
        if self.value is None:
            return False
        return self.value >= bar if self.higher_is_better else self.value <= bar

    @property
    def title(self) -> str:
        """Return what it is called in a message."""
        name = self.name.replace("_", " ")
        return name if self.higher_is_better else f"{name} (less is better)"

    def problem(
        self, bar: float, *, called: str | None = None, effect: str = ""
    ) -> errors.AccuracyError | None:
        """Return the error of a known figure that does not pass; None where it does.

        Args:
            bar: what was asked for.
            called: what the figure is called; by default its title.
            effect: what follows, as a sentence.
        """
        if self.value is None or self.passes(bar):
            return None
        return errors.AccuracyError(self.value, bar, called or self.title, effect)


def judged(
    figures: Mapping[str, Any], monitor: str, *, higher_is_better: bool
) -> JudgedFigure:
    """Return the figure that a bar is about.

    Args:
        figures: by their names in the task; of other things than numbers, too.
        monitor: name of the figure that chooses the best weights.
        higher_is_better: of that figure.
    """
    if _ACCURACY in figures:
        return JudgedFigure(_ACCURACY, figures[_ACCURACY])
    return JudgedFigure(monitor, figures.get(monitor), higher_is_better)


def judged_of(result: RunResult) -> JudgedFigure:
    """Return the figure of a finished run that a bar is about, on validation."""
    monitor = result.metric
    is_better = result.higher_is_better
    return judged(result.validation, monitor, higher_is_better=is_better)
