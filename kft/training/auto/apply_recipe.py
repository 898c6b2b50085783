"""`--recipe=auto` in a run: look at the data, choose, and say what was chosen."""

import dataclasses
import json
import statistics
from collections.abc import Callable, Collection

import numpy as np
import tensorflow as tf

from kft import config as configs
from kft import tasks
from kft.config import TrainConfig
from kft.data.examples import Examples
from kft.distribution.replicas import Devices
from kft.run_folder import run_dir
from kft.tasks.image_classification import image_inputs
from kft.tasks.task import Task
from kft.training import preflight
from kft.training.auto import recipe
from kft.training.auto.recipe import Facts

_SAMPLE = 64


def settle(
    config: TrainConfig,
    devices: Devices,
    *,
    given: Collection[str] | None,
    say: Callable[[str], None],
) -> TrainConfig:
    """Return the config with the recipe's choices; as it is where it asks for none.

    What an unfinished run has chosen is taken from its folder.

    Args:
        config: of the run.
        devices: the chief looks and chooses, the others do as it says.
        given: fields whose value stands; None for those that have not their default.
        say: told what was chosen.

    Raises:
        errors.ConfigError: where the recipe has nothing to go by, or does not go with
            what was given.
        errors.DataError: for data that cannot be used.
        errors.RunDirError: for a run folder that cannot be gone on with.
    """
    if config.recipe != "auto":
        return config
    given = recipe.differing(config) if given is None else given
    recipe.check(config, given)

    def choose() -> bytes:
        chosen = _choose(config, given, devices.replicas, say)
        return json.dumps(configs.to_dict(chosen)).encode()

    chosen = configs.from_dict(TrainConfig, json.loads(devices.from_chief(choose)))
    # Each worker has an own address.
    own = {f.name for f in dataclasses.fields(config) if f.metadata["may_change"]}
    config = dataclasses.replace(
        chosen, **{name: getattr(config, name) for name in own}
    )
    preflight.check(config)
    return config


def _choose(
    config: TrainConfig,
    given: Collection[str],
    replicas: int,
    say: Callable[[str], None],
) -> TrainConfig:
    run = run_dir.of(config)
    if run.config_json.exists():
        kept = run_dir.read_config(run)
        if kept.recipe != "applied":
            # The difference is told like any other.
            run_dir.find(config)
        free = [name for name in recipe.FIELDS if name not in given]
        values = {name: getattr(kept, name) for name in free}
        return dataclasses.replace(config, recipe="applied", **values)
    facts = look(config)
    chosen = recipe.apply(config, facts, given=given, replicas=replicas)
    say(
        f"--recipe=auto: {facts.examples:,} training examples, {facts.classes} classes,"
        f" {_side(facts)}. The same as:"
    )
    for flag in recipe.as_flags(chosen, given=given):
        say(f"  {flag}")
    return chosen


def _side(facts: Facts) -> str:
    if facts.image_side is None:
        return "no image that can be read"
    return f"images of about {facts.image_side} pixels"


def look(config: TrainConfig) -> Facts:
    """Return what the recipe has to know of the data of a run.

    Raises:
        errors.KftError: for data that cannot be used.
    """
    splits = tasks.load_splits(config)
    return Facts(
        examples=len(splits.train),
        classes=len(splits.labels),
        image_side=_image_side(splits.train, tasks.get(config, splits.labels)),
    )


def _image_side(examples: Examples, task: Task) -> int | None:
    """Return the median over a sample of the shorter side, in pixels."""
    count = min(len(examples), _SAMPLE)
    chosen = np.linspace(0, len(examples) - 1, count).astype(np.int64)
    found = [_one_side(examples, row, task) for row in examples.rows[chosen]]
    sides = [side for side in found if side is not None]
    return int(statistics.median(sides)) if sides else None


def _one_side(examples: Examples, row: int, task: Task) -> int | None:
    """Return the shorter side of an image; None where it cannot be read.

    Training names the images that cannot be read, or skips them; here they do not
    count.
    """
    try:
        payload = examples.read(tf.constant([row])).numpy()[0]
    except tf.errors.OpError:
        return None
    return image_inputs.shorter_side(payload)
