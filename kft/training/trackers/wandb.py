"""A run in Weights & Biases, by its own Keras callback.

WANDB_PROJECT, WANDB_ENTITY, WANDB_MODE (`offline` needs no account; `wandb sync` sends
it later) and the other variables mean what they do elsewhere.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator

import keras
import wandb
from wandb.integration.keras import WandbMetricsLogger

from kft import config, errors
from kft.training.run_context import RunContext
from kft.training.trackers import trackers

_NAME = "wandb"
_PROJECT = "kft"
# As long as those that wandb makes.
_ID_LENGTH = 8


@contextlib.contextmanager
def track(context: RunContext) -> Iterator[keras.callbacks.Callback]:
    """Give the callback, and end the run there when the block ends.

    Raises:
        errors.ConfigError: where Weights & Biases does not take the run.
    """
    run = context.run
    identifier = trackers.kept_id(run, _NAME) or uuid.uuid4().hex[:_ID_LENGTH]
    try:
        tracked = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            id=identifier,
            # Offline it cannot look whether there is such a run; `wandb sync` puts the
            # parts of one together.
            resume="allow",
            name=run.path.name,
            dir=run.path,
            config=config.to_dict(context.config),
            # The bar of a run is drawn anew many times a second.
            settings=wandb.Settings(console="off"),
        )
    except wandb.Error as error:
        raise errors.ConfigError(
            f"--trackers=wandb: {error} `wandb login` signs in; WANDB_MODE=offline "
            "tracks without an account."
        ) from error
    trackers.keep_id(run, _NAME, identifier)
    exit_code = 1
    try:
        yield WandbMetricsLogger()
        tracked.summary.update(trackers.final_figures(run))
        exit_code = 0
    finally:
        tracked.finish(exit_code=exit_code)
