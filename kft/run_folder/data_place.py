"""The places where the data of a run may lie, which was named as a path.

A relative path counts from where training was started. Later commands are started
elsewhere, and run and data are moved, together or not.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

from kft import errors, tasks
from kft.config import RunConfig
from kft.data.sources import filesystem
from kft.run_folder import run_dir, saved_config
from kft.run_folder.run_dir import RunDir

# Keys of environment.json.
_STARTED_IN, _RUN_FOLDER = "working_directory", "run_folder"


def describe(run: RunDir) -> dict[str, str]:
    """Return what environment.json says of where a run was started, as full paths."""
    here = os.getcwd()
    return {_STARTED_IN: here, _RUN_FOLDER: os.path.join(here, run.path)}


def candidates(config: RunConfig, run: RunDir) -> list[RunConfig]:
    """Return the config with each place where the data may be, likeliest first.

    As the path was when training started; as it was from the run folder then, for who
    moves both; as it is written, from the working directory.
    """
    started_in, old_run = _recorded(run)
    found = []
    # A recorded path may be none that an option can have.
    with contextlib.suppress(errors.ConfigError):
        if started_in is not None:
            there = _with_paths(config, lambda path: os.path.join(started_in, path))
            found.append(there)
            if old_run is not None:
                now = os.path.abspath(run.path)
                found.append(_with_paths(there, _moved(old_run, now)))
    found.append(config)
    return [one for n, one in enumerate(found) if one not in found[:n]]


def located(config: RunConfig) -> RunConfig:
    """Return the config of a run that goes on, with its data where it lies now.

    It is the same where there is no such run, or where the data is at the place that
    the config names.
    """
    run = run_dir.of(config)
    try:
        kept = run_dir.read_config(run)
    except errors.RunDirError:
        return config
    if kept.dataset != config.dataset or _is_there(config):
        return config
    others = candidates(config, run)
    return next((one for one in others if _is_there(one)), config)


def _is_there(config: RunConfig) -> bool:
    try:
        tasks.check_dataset(config)
    except (errors.ConfigError, errors.DataError):
        return False
    return True


def _moved(old: str, new: str) -> Callable[[str], str]:
    """Return what makes a path lie to one folder as it lies to another."""

    def move(path: str) -> str:
        return os.path.normpath(os.path.join(new, os.path.relpath(path, old)))

    return move


def _recorded(run: RunDir) -> tuple[str | None, str | None]:
    """Return where a run was started, and its folder then; None where not known."""
    try:
        facts: Mapping[str, Any] = saved_config.read_json(run.environment_json)
    except errors.RunDirError:
        return None, None
    started_in, folder = (
        path if isinstance(path, str) and os.path.isabs(path) else None
        for path in (facts.get(_STARTED_IN), facts.get(_RUN_FOLDER))
    )
    return started_in, folder


def _with_paths(config: RunConfig, change: Callable[[str], str]) -> RunConfig:
    """Return the config with other local paths to its data."""
    known = {field.name for field in dataclasses.fields(config)}
    changes: dict[str, Any] = {
        name: _changed(value, change)
        for name in saved_config.DATA_PATHS
        if name in known and (value := getattr(config, name)) is not None
    }
    kind, colon, rest = config.dataset.partition(":")
    source = tasks.kind(config.task).sources.get(kind)
    if source is not None and source.is_path and rest:
        changes["dataset"] = f"{kind}{colon}{_changed(rest, change)}"
    return dataclasses.replace(config, **changes)


def _changed(path: str, change: Callable[[str], str]) -> str:
    return path if filesystem.is_remote(path) else change(filesystem.expand(path))
