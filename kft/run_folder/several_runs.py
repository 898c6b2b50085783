"""What runs have in common that one command makes, each in a folder of its own."""

import os
from pathlib import Path

from kft import errors
from kft.config import RunConfig
from kft.distribution import cluster
from kft.run_folder import run_dir


def folder(config: RunConfig) -> Path:
    """Return the folder that holds the folders of all runs."""
    return run_dir.of(config).path


def check(config: RunConfig, flag: str, *, one: str) -> None:
    """Check what can be known of several runs without TensorFlow.

    Args:
        config: of all of them; its `run_dir` holds their folders.
        flag: that asks for several, with its value.
        one: what tells them apart, such as seed, which is also an option.

    Raises:
        errors.ConfigError: for several workers, or a batch that each run would choose
            for itself.
        errors.RunDirError: where the folder is that of a single run.
    """
    if config.batch_size == "auto":
        raise errors.ConfigError(
            f"{flag}: with --batch_size=auto each {one} would look for a batch of its "
            f"own, and the runs would differ in more than the {one}: give a number."
        )
    others = cluster.find(config, os.environ)
    if others is not None:
        raise errors.ConfigError(
            f"{flag}: a process can join its {others.num_workers} workers "
            f"({others.source}) only once. Start a run for each --{one}, with a "
            "--run_dir of its own."
        )
    run = run_dir.of(config)
    if run.config_json.exists():
        raise errors.RunDirError(
            f"{run.path} holds a single run, and {flag} puts a folder for each {one} "
            "there: choose another --run_dir."
        )
