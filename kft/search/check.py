"""Refuse a search that can not work before TensorFlow starts."""

import dataclasses
from collections.abc import Mapping, Sequence

from kft import cluster, errors, places, preflight
from kft.config import TuneConfig
from kft.preflight import Check
from kft.search import parallel, search_dir, settings, space
from kft.search.space import Space


def check(
    config: TuneConfig, environ: Mapping[str, str], *, also: Sequence[Check] = ()
) -> tuple[TuneConfig, Space]:
    """Return the config with its space written out, and that space.

    Args:
        config: of the search.
        environ: the environment of this process.
        also: checks of what comes after the search; they raise ConfigError.

    Raises:
        errors.ConfigError: for flags that can not work.
        errors.DataError: for data that can not be used.
        errors.RunDirError: for a search folder that holds something else.
    """
    parallel.find(environ)
    run = config.train_config()
    preflight.check(run, also=also)
    problem = places.problem("search_dir", config.search_dir, config.dataset)
    if problem is not None:
        raise errors.ConfigError(problem)
    if cluster.find(run, environ) is not None:
        raise errors.ConfigError(
            "A search runs each trial in one process, and the environment or the flags "
            "name several workers of one run. Let them go; a parallel search has its "
            f"own variables, {parallel.ID} and {parallel.PORT}."
        )
    if run.recipe == "auto":
        raise errors.ConfigError(
            "--recipe=auto chooses the stages when it has seen the data, and a search "
            "has to name them before: train once with it, and search with the file "
            "flags.cfg of that run."
        )
    if run.batch_size == "auto":
        raise errors.ConfigError(
            "--batch_size=auto may choose another size for each trial: give a number."
        )
    dimensions = space.parse_space(config.space, run)
    _check_variations(config, dimensions)
    _check_grid(config, dimensions)
    config = dataclasses.replace(config, space=space.format_space(dimensions))
    search_dir.check(search_dir.at(config), config)
    return config, dimensions


def _check_variations(config: TuneConfig, dimensions: Space) -> None:
    """Check what can be known of every value, the others being as they are."""
    problems = []
    for values in space.variations(dimensions):
        try:
            preflight.check(settings.apply(config.train_config(), values))
        except errors.ConfigError as error:
            problems.append(f"--space: with {settings.format_values(values)}: {error}")
        if values.get("batch_size") == "auto":
            problems.append("--space: batch_size=auto may differ from trial to trial.")
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _check_grid(config: TuneConfig, dimensions: Space) -> None:
    endless = [str(d) for d in dimensions if d.values() is None]
    if config.tuner == "grid" and endless:
        raise errors.ConfigError(
            f"--tuner=grid tries every value, and {endless[0]} has no number of them: "
            f"{endless[0]}/4 has 4."
        )
