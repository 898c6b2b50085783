"""One pass over a split, on the devices of a run."""

import numpy as np

from kft.data import pipeline, sampling
from kft.data.examples import Examples
from kft.tasks.task import Preprocess
from kft.training.evaluator import Batches
from kft.training.run_context import RunContext


def batches(
    context: RunContext,
    examples: Examples,
    preprocess: Preprocess | None,
    *,
    keys: np.ndarray | None = None,
) -> tuple[Batches, int]:
    """Return the batches of a split in its own order, and how many they are.

    Args:
        context: the run, for batch size and devices.
        examples: of one split; each comes once.
        preprocess: see `pipeline.eval_batches`.
        keys: likewise.
    """
    config, devices = context.config, context.devices
    found = devices.distribute(
        lambda: pipeline.eval_batches(
            examples, preprocess, share=devices.share(config.batch_size), keys=keys
        )
    )
    return found, sampling.num_batches(len(examples), config.batch_size)
