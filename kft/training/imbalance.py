"""What `--class_weight` and `--sampling` come to: said, written down and kept."""

import json

from absl import logging

from kft import errors
from kft.data import class_weights
from kft.training.run_context import RunContext


def settle(context: RunContext) -> None:
    """Say what is used, and write class_weights.csv; a resume has to have the same.

    Raises:
        errors.ConfigError: where workers have other weights.
        errors.DataError: where the weights are not those that the run began with.
    """
    config, devices = context.config, context.devices
    weights = context.class_weights
    if weights is not None:
        if devices.num_workers > 1:
            given = json.dumps(weights.tolist())
            devices.require_equal({f"--class_weight={config.class_weight}": given})
        with devices.together("keep the class weights"):
            if devices.is_chief:
                _keep(context, class_weights.text(weights, context.splits))
    for line in class_weights.describe(config, context.splits, weights):
        context.reporter.say(line)


def _keep(context: RunContext, text: str) -> None:
    path = context.run.class_weights_csv
    try:
        kept = path.read_bytes().decode()
    except FileNotFoundError:
        kept = None
    except (OSError, UnicodeDecodeError) as error:
        logging.warning("%s cannot be read; it is written anew: %s.", path, error)
        kept = None
    if kept is not None and kept != text:
        raise errors.DataError(
            f"--class_weight={context.config.class_weight} gives other weights than "
            f"the run began with: {path} has those. Put them back, or start a new run "
            "in another --run_dir."
        )
    context.run.write_text(path, text)
