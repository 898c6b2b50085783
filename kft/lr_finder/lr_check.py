"""The checks of a range test before TensorFlow starts."""

import os
from collections.abc import Iterator
from pathlib import Path

from kft import errors
from kft.config import RangeTestConfig, RunConfig
from kft.distribution import cluster
from kft.run_folder import overlap, run_dir
from kft.training import preflight


def check(config: RangeTestConfig) -> None:
    """Check the options of the run and those of the tests.

    Raises:
        errors.ConfigError: for options that cannot work.
        errors.DataError: for data that cannot be used.
    """
    preflight.check(config.train_config(), also=[lambda _: _check_tests(config)])


def folder(config: RangeTestConfig) -> Path:
    """Return where the curves are written: `--output_dir`, else RUN_DIR-find_lr."""
    if config.output_dir is not None:
        return run_dir.at(config.output_dir).path
    return run_dir.of(config).beside("-find_lr")


def _check_tests(config: RangeTestConfig) -> None:
    problems = [*_problems(config)]
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _problems(config: RangeTestConfig) -> Iterator[str]:
    """Yield what is wrong with the options of the tests."""
    if config.lowest_rate >= config.highest_rate:
        yield (
            f"--lowest_rate={config.lowest_rate:g}: expected less than "
            f"--highest_rate={config.highest_rate:g}."
        )
    if config.batch_size == "auto":
        yield (
            "--batch_size=auto: the best rate depends on the batch, so find_lr needs a "
            "number."
        )
    if cluster.find(config, os.environ) is not None:
        yield (
            "find_lr works in one process. Its answer holds for several workers too: "
            "--batch_size is that of all of them together."
        )
    out, run = folder(config), run_dir.of(config).path
    problem = overlap.problem("output_dir", str(out), config.dataset)
    if problem is not None:
        yield problem
    if out.resolve() == run.resolve():
        yield (
            f"--output_dir={config.output_dir} is the folder of the run, where other "
            "files are not expected: choose one beside it."
        )
    if config.recipe != "auto":
        try:
            wanted_stages(config.stage, config)
        except errors.ConfigError as error:
            yield str(error)


def wanted_stages(name: str | None, config: RunConfig) -> tuple[int, ...]:
    """Return the indices of the stages to test: those of that name, or all.

    Args:
        name: the flag `--stage`.
        config: of the run.

    Raises:
        errors.ConfigError: where there is no stage of that name.
    """
    names = [stage.unfreeze for stage in config.parsed_stages]
    if name is None:
        return tuple(range(len(names)))
    found = tuple(i for i, known in enumerate(names) if known == name)
    if not found:
        raise errors.ConfigError(
            f"--stage={name}: --stages={config.stages} has no such stage. "
            f"{errors.closest(name, names)}"
        )
    return found
