"""The checks of a search before TensorFlow starts."""

import dataclasses
from collections.abc import Mapping, Sequence

from kft import errors
from kft.config import RunConfig, SearchConfig
from kft.distribution import cluster
from kft.run_folder import overlap
from kft.search import (
    hyperband,
    parallel,
    parameters,
    parse_space,
    search_dir,
    search_settings,
)
from kft.search.parameters import Space
from kft.training import preflight
from kft.training.preflight import Check


def check(
    config: SearchConfig, environ: Mapping[str, str], *, also: Sequence[Check] = ()
) -> tuple[SearchConfig, Space]:
    """Return the config with its space written out, and that space.

    Args:
        config: of the search.
        environ: the environment of this process.
        also: checks of what comes after the search; they raise ConfigError.

    Raises:
        errors.ConfigError: for flags that cannot work.
        errors.DataError: for data that cannot be used.
        errors.RunDirError: for a search folder that holds something else.
    """
    parallel.find(environ)
    folder = search_dir.at(config)
    problem = overlap.problem("search_dir", str(folder.path), config.dataset)
    if problem is not None:
        raise errors.ConfigError(problem)
    # The folder of the run itself is not touched, so it may be another run's.
    run = dataclasses.replace(config.train_config(), run_dir=str(folder.path / "best"))
    preflight.check(run, also=also)
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
    searched = parse_space.parse_space(config.space, run)
    _check_pairs(run, searched)
    if config.tuner == "grid":
        _check_grid(searched)
    if config.tuner == "hyperband":
        _check_hyperband(config, searched)
    config = dataclasses.replace(config, space=parse_space.format_space(searched))
    search_dir.check(folder, config)
    return config, searched


def _check_pairs(run: RunConfig, searched: Space) -> None:
    """Check what can be known of every two values together."""
    problems: dict[str, str] = {}
    for values, pair in parameters.pairs(searched):
        shown = search_settings.format_values(pair)
        try:
            preflight.check_options(search_settings.apply(run, values))
        except errors.ConfigError as error:
            problems.setdefault(str(error), f"--space: with {shown}: {error}")
        if values.get("batch_size") == "auto":
            text = "--space: batch_size=auto may differ from trial to trial."
            problems.setdefault(text, text)
    if problems:
        raise errors.ConfigError("\n".join(problems.values()))


def _check_grid(searched: Space) -> None:
    endless = [str(d) for d in searched if d.values() is None]
    if endless:
        raise errors.ConfigError(
            f"--tuner=grid tries every value, and {endless[0]} has no number of them: "
            f"{endless[0]}/4 has 4."
        )


def _check_hyperband(config: SearchConfig, searched: Space) -> None:
    """Check that at least one round of trials gets to all epochs."""
    rounds = hyperband.first_bracket(search_settings.total_epochs(config))
    needed, values = sum(rounds), parameters.size(searched)
    if config.trials is not None and config.trials < needed:
        raise errors.ConfigError(
            f"--tuner=hyperband has {' + '.join(map(str, rounds))} = {needed} trials "
            f"before one has all {search_settings.total_epochs(config)} epochs of "
            f"--stages, received --trials={config.trials}: give {needed} or more, or "
            "leave it out."
        )
    if values is not None and values < rounds[0]:
        raise errors.ConfigError(
            f"--tuner=hyperband begins with {rounds[0]} different trials, and --space "
            f"has {values}: use --tuner=grid, or search more."
        )
