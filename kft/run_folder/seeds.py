"""`--repeats`: which runs of several seeds there are, and where."""

import dataclasses

from kft.config import RunConfig
from kft.run_folder import several_runs

FILE = "repeats.json"


def configs(config: RunConfig) -> tuple[RunConfig, ...]:
    """Return the config of each run: the seeds from `seed` on, a folder for each.

    A folder is named after its seed, so that a run is the same whatever `repeats` is: a
    higher number goes on with what is there.

    Raises:
        errors.ConfigError: where there are not so many seeds.
    """
    seeds = range(config.seed, config.seed + config.repeats)
    return tuple(
        dataclasses.replace(
            config,
            repeats=1,
            seed=seed,
            run_dir=str(several_runs.folder(config) / f"seed{seed}"),
        )
        for seed in seeds
    )


def check(config: RunConfig) -> None:
    """Check what can be known of several runs without TensorFlow.

    Raises:
        errors.ConfigError: for seeds that are too high; see also `several_runs.check`.
        errors.RunDirError: where the folder is that of a single run.
    """
    if config.repeats == 1:
        return
    configs(config)
    several_runs.check(config, f"--repeats={config.repeats}", one="seed")
