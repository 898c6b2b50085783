"""The figure by which a run is judged. No TensorFlow here."""

from collections.abc import Mapping
from typing import NamedTuple


class Metric(NamedTuple):
    """A figure that a run reports, and whether more of it is better.

    Attributes:
        name: as in metrics.jsonl, where `val_` stands before that of validation.
        higher_is_better: False for losses and error rates.
        format: how a person reads it.
    """

    name: str
    higher_is_better: bool = True
    format: str = ".4f"

    def rank(self, figures: Mapping[str, float]) -> tuple[float, float]:
        """Return what is greater for better figures: by this one, then by the loss.

        Args:
            figures: of one split, `loss` among them.
        """
        value = figures[self.name]
        return value if self.higher_is_better else -value, -figures["loss"]
