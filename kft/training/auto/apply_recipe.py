"""`--recipe=auto` in a run: look at the data, choose, and say what was chosen."""

import dataclasses
import json
from collections.abc import Callable, Collection

import numpy as np
import tensorflow as tf

from kft import config as configs
from kft import tasks
from kft.config import RunConfig
from kft.data.examples import Examples
from kft.distribution.replicas import Devices
from kft.run_folder import run_dir
from kft.training import preflight
from kft.training.auto import recipe
from kft.training.auto.recipe import Facts

_SAMPLE = 64


def settle(
    config: RunConfig,
    devices: Devices,
    *,
    given: Collection[str] | None,
    say: Callable[[str], None],
) -> RunConfig:
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

    chosen = tasks.config_from_dict(json.loads(devices.from_chief(choose)))
    # Each worker has an own address.
    own = {f.name for f in dataclasses.fields(config) if f.metadata["may_change"]}
    config = dataclasses.replace(
        chosen, **{name: getattr(config, name) for name in own}
    )
    preflight.check(config)
    return config


def _choose(
    config: RunConfig,
    given: Collection[str],
    replicas: int,
    say: Callable[[str], None],
) -> RunConfig:
    run = run_dir.of(config)
    if run.config_json.exists():
        kept = run_dir.read_config(run)
        if kept.recipe != "applied":
            # The difference is told like any other.
            run_dir.find(config)
        free = [name for name in recipe.fields(config) if name not in given]
        values = {name: getattr(kept, name) for name in free}
        return dataclasses.replace(config, recipe="applied", **values)
    facts = look(config, given)
    chosen = recipe.apply(config, facts, given=given, replicas=replicas)
    say(
        f"--recipe=auto: {facts.examples:,} training examples, {facts.classes} classes,"
        f" {facts.choice.description}. The same as:"
    )
    for flag in recipe.as_flags(chosen, given=given):
        say(f"  {flag}")
    return chosen


def look(config: RunConfig, given: Collection[str]) -> Facts:
    """Return what the recipe has to know of the data of a run.

    Args:
        config: of the run.
        given: fields whose value stands.

    Raises:
        errors.KftError: for data that cannot be used.
    """
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    return Facts(
        examples=len(splits.train),
        classes=len(splits.labels),
        choice=task.recipe(sample(splits.train), given),
    )


def sample(examples: Examples) -> list[bytes]:
    """Return some encoded examples, evenly out of all; without those that are gone."""
    count = min(len(examples), _SAMPLE)
    chosen = np.linspace(0, len(examples) - 1, count).astype(np.int64)
    found = [_read(examples, row) for row in examples.rows[chosen]]
    return [payload for payload in found if payload is not None]


def _read(examples: Examples, row: int) -> bytes | None:
    """Return an encoded example; None where it cannot be read.

    Training names the examples that cannot be read, or skips them; here they do not
    count.
    """
    try:
        payload: bytes = examples.read(tf.constant([row])).numpy()[0]
    except tf.errors.OpError:
        return None
    return payload
