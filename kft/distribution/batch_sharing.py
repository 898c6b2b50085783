"""The sharing out of a global batch over devices and workers. No TensorFlow."""

import dataclasses
import math

from kft import errors
from kft.config import RunConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchShare:
    """What of every global batch this worker takes.

    Attributes:
        batch_size: global.
        worker: this worker's index.
        num_workers: workers that share each global batch.
        replicas: devices of this worker; each takes an element of its own.

    Raises:
        errors.ConfigError: where the batch cannot be shared out evenly.
    """

    batch_size: int
    worker: int = 0
    num_workers: int = 1
    replicas: int = 1

    def __post_init__(self) -> None:
        refusal = problem(
            self.batch_size,
            accumulation_steps=1,
            replicas=self.num_workers * self.replicas,
        )
        if refusal:
            raise errors.ConfigError(refusal)

    @property
    def rows(self) -> int:
        """Return how many rows of a global batch one device takes."""
        return self.batch_size // (self.num_workers * self.replicas)


def check(config: RunConfig, replicas: int | None) -> None:
    """Check the batch of a run, which is a number.

    Args:
        config: of the run.
        replicas: devices over all processes; None where that is not known yet.

    Raises:
        errors.ConfigError: naming sizes that can be shared out.
    """
    refusal = problem(
        config.settled_batch_size,
        config.accumulation_steps,
        replicas=replicas,
        in_pairs=mixes(config),
    )
    if refusal:
        raise errors.ConfigError(refusal)


def mixes(config: RunConfig) -> bool:
    """Return whether the task mixes pairs, also where its flag is wrong otherwise."""
    return config.mixes_pairs


def problem(
    batch_size: int,
    accumulation_steps: int,
    *,
    replicas: int | None,
    in_pairs: bool = False,
) -> str | None:
    """Return why a batch cannot be shared out evenly, None where it can.

    Args:
        batch_size: of all devices and hosts together.
        accumulation_steps: parts into which each device cuts its rows.
        replicas: devices over all processes; None where that is not known yet.
        in_pairs: whether the rows of a device are mixed two by two.
    """
    rows = math.lcm(accumulation_steps, 2 if in_pairs else 1)
    shares = (replicas or 1) * rows
    if not batch_size % shares:
        return None
    low = batch_size // shares * shares
    fitting = f"{low} or {low + shares}" if low else f"{shares}"
    parts = []
    if replicas and replicas > 1:
        parts.append(f"the {replicas} devices that share a batch")
    if accumulation_steps > 1:
        parts.append(f"--accumulation_steps={accumulation_steps}")
    if in_pairs:
        parts.append("the pairs that --augment mixes")
    *others, last = parts
    reasons = f"{', '.join(others)} and {last}" if others else last
    return (
        f"--batch_size={batch_size} has to be a multiple of {shares}, for "
        f"{reasons}: use --batch_size={fitting}."
    )
