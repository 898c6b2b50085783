"""The temperature that makes probabilities believable.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017.
"""

import dataclasses
from typing import Any

import numpy as np

from kft import errors
from kft.metrics import reliability, scores

# Searched range; a temperature at its end means that there is nothing to fit. How
# close to an end that is, in the logarithm.
_LOWEST, _HIGHEST = 0.05, 20.0
_AT_AN_END = 0.01


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A temperature, and what it does on the examples it was fitted on.

    Attributes:
        temperature: the logits are divided by it.
        examples: how many it was fitted on.
        loss_before: mean cross entropy in nats, with temperature 1.
        loss_after: with the temperature.
        ece_before: expected calibration error in [0, 1], with temperature 1.
        ece_after: with the temperature.
    """

    temperature: float
    examples: int
    loss_before: float
    loss_after: float
    ece_before: float
    ece_after: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return dataclasses.asdict(self)


def calibrate(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Return the temperature with the least cross entropy (section 4.2 there).

    Args:
        logits: [n, classes], n at least 1.
        labels: [n], class ids.

    Raises:
        errors.ConfigError: where no temperature is the best: the loss falls as far as
            one looks, in either direction.
    """
    if (logits.argmax(-1) == labels).all():
        raise _nothing_to_fit(
            f"all {len(labels)} validation examples are right, so that the surer the "
            "answers, the smaller their loss"
        )

    def loss(log_temperature: float) -> float:
        return scores.cross_entropy(logits / np.exp(log_temperature), labels)

    from scipy import optimize  # Slow to import.

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    fitted = optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    temperature = float(np.exp(fitted.x))
    if fitted.x > bounds[1] - _AT_AN_END:
        raise _nothing_to_fit("the answers say no more than chance")
    if fitted.x < bounds[0] + _AT_AN_END:
        raise _nothing_to_fit("the surer the answers, the smaller their loss")
    return Calibration(
        temperature=temperature,
        examples=len(labels),
        loss_before=loss(0.0),
        loss_after=loss(fitted.x),
        ece_before=reliability.error_of(logits, labels),
        ece_after=reliability.error_of(logits / temperature, labels),
    )


def _nothing_to_fit(why: str) -> errors.ConfigError:
    return errors.ConfigError(
        f"--calibrate: a temperature cannot be fitted: {why}. Export without "
        "--calibrate, or train a run with more validation examples "
        "(--validation_fraction)."
    )
