"""The places where the data of a run may lie, which was named as a path.

A relative path counts from where training was started. Later commands are started
elsewhere, and run and data are moved, together or not.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kft import errors, tasks
from kft.config import RunConfig
from kft.data.sources import filesystem
from kft.run_folder import option_files, run_dir, saved_config
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
    found = []
    # A recorded path may be none that an option can have.
    with contextlib.suppress(errors.ConfigError):
        for change in _changes_of_place(run):
            found.append(_with_paths(config, change))
    found.append(config)
    return [one for n, one in enumerate(found) if one not in found[:n]]


def _changes_of_place(run: RunDir) -> Iterator[Callable[[str], str]]:
    """Yield what makes a path one from where the run was started, and one beside it."""
    started_in, old_run = _recorded(run)
    if started_in is None:
        return
    yield lambda path: os.path.join(started_in, path)
    if old_run is not None:
        move = _moved(old_run, os.path.abspath(run.path))
        yield lambda path: move(os.path.join(started_in, path))


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
    config = _with_option_files(config, kept, run)
    if kept.dataset != config.dataset or _is_there(config):
        return config
    others = candidates(config, run)
    return next((one for one in others if _is_there(one)), config)


def _with_option_files(config: RunConfig, kept: RunConfig, run: RunDir) -> RunConfig:
    """Return the config with each file that was read at the start where it is now."""
    if kept.task != config.task:
        return config
    places = list(_changes_of_place(run))
    found: dict[str, Any] = {}
    for name in option_files.recorded(run.environment_json):
        value = getattr(config, name)
        if value is None or value != getattr(kept, name):
            continue
        if os.path.exists(filesystem.expand(value)):
            continue
        moved = (_changed(value, change) for change in places)
        there = next(filter(os.path.exists, moved), None)
        if there is not None:
            found[name] = there
    return dataclasses.replace(config, **found)


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
