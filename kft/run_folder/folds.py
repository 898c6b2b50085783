"""`--folds`: which runs of a cross-validation there are, and where."""

import dataclasses

from kft import errors
from kft.config import RunConfig
from kft.run_folder import several_runs

FILE = "folds.json"
TABLE = "out_of_fold.csv"


def are_wanted(config: RunConfig) -> bool:
    """Return whether all folds are to be run, not one."""
    return config.folds > 1 and config.fold is None


def configs(config: RunConfig) -> tuple[RunConfig, ...]:
    """Return the config of each run, which has a folder named after its fold."""
    return tuple(
        dataclasses.replace(
            config,
            fold=number,
            run_dir=str(several_runs.folder(config) / f"fold{number}"),
        )
        for number in range(config.folds)
    )


def check(config: RunConfig) -> None:
    """Check what can be known of `--folds` without TensorFlow.

    Raises:
        errors.ConfigError: where `--repeats` is given too; see also
            `several_runs.check`.
        errors.RunDirError: where the folder is that of a single run.
    """
    if config.folds == 1:
        return
    flag = f"--folds={config.folds}"
    if config.repeats > 1:
        raise errors.ConfigError(
            f"{flag} and --repeats={config.repeats} are two reasons for several runs; "
            "give one of them."
        )
    if config.fold is None:
        several_runs.check(config, flag, one="fold")
