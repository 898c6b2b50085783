"""The config.json of a run: read with care, and compared with a new config.

Run folders are copied, edited and cut off by full disks, so nothing is taken on trust.
"""

import dataclasses
import functools
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from absl import logging

from kft import config, errors, tasks
from kft.config import RunConfig, flagfile
from kft.run_folder import regular_file

_REPAIRS = {
    "config.json": "flags.cfg beside it says the same: restore the file from it, or "
    "repeat the run with --flagfile=FOLDER/flags.cfg and another --run_dir.",
    "result.json": "Restore it from a copy, or remove it and repeat the command: the "
    "run trains again, to the same weights.",
}


def read(path: Path) -> RunConfig:
    """Return the config that a file holds, of the class that its task has.

    A field that is not in the file gets its default, with a warning: the field is
    newer than the run.

    Raises:
        errors.RunDirError: where the file is missing or damaged.
    """
    content = read_json(path)
    config_class = _config_class(path, content)
    known = {field.name for field in dataclasses.fields(config_class)}
    strays = sorted(set(content) - known)
    if strays:
        raise errors.RunDirError(
            f"{path} has fields that this kft does not know: {', '.join(strays)}. Use "
            "the kft that wrote it; environment.json beside it names the version."
        )
    missing = sorted(known - set(content))
    if missing:
        _say_missing(path, tuple(missing))
    try:
        return config.from_dict(config_class, content)
    except errors.ConfigError as error:
        raise errors.RunDirError(damaged(path, str(error))) from error


# A command reads the file of a run several times.
@functools.lru_cache(maxsize=128)
def _say_missing(path: Path, missing: tuple[str, ...]) -> None:
    logging.warning("%s has no %s: the default is used.", path, ", ".join(missing))


def _config_class(path: Path, content: dict[str, Any]) -> type[RunConfig]:
    name = content.get("task", config.DEFAULT_TASK)
    known = tasks.known()
    if not isinstance(name, str):
        # A field like the others, which is checked with them.
        name = config.DEFAULT_TASK
    if name not in known:
        raise errors.RunDirError(
            f"{path} is of a run of the task {name!r}, which this kft does not know. "
            f"It knows {', '.join(known)}; environment.json beside it names the "
            "version that wrote it."
        )
    return known[name].config_class


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file of a run folder holds.

    Raises:
        errors.RunDirError: where the file is missing or damaged.
    """
    try:
        content = json.loads(regular_file.read(path))
    except FileNotFoundError:
        raise errors.RunDirError(_absent(path)) from None
    except NotADirectoryError:
        raise errors.RunDirError(
            f"{path.parent} is a file: expected the folder of a run."
        ) from None
    except OSError as error:
        raise errors.RunDirError(
            f"{path} cannot be read: {error}. {_advice(path)}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise errors.RunDirError(damaged(path, str(error))) from error
    if not isinstance(content, dict):
        raise errors.RunDirError(damaged(path, "it holds no JSON object"))
    return content


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file with one JSON object a line.

    Raises:
        errors.RunDirError: where the file is missing or damaged.
    """
    try:
        lines = regular_file.read(path).decode().splitlines()
        found = [json.loads(line) for line in lines]
    except (OSError, ValueError, RecursionError) as error:
        raise errors.RunDirError(
            f"{path} cannot be read: {error}. Restore it from a copy."
        ) from error
    if not all(isinstance(one, dict) for one in found):
        raise errors.RunDirError(
            f"{path} is damaged: a line holds no JSON object. Restore it from a copy."
        )
    return found


def _absent(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no run folder {path.parent}; `python -m kft.train` makes one."
    return (
        f"{path.parent} is no run folder of kft: it has no {path.name}. If it was one, "
        "restore the file from a copy."
    )


def damaged(path: Path, reason: str) -> str:
    """Return the message about a damaged file: what is wrong and what to do."""
    return f"{path} is damaged: {reason.rstrip('.')}. {_advice(path)}"


def _advice(path: Path) -> str:
    return _REPAIRS.get(path.name, "Restore it from a copy.")


# Options that are paths, besides `dataset`, and are read with the data; not every task
# has all. Those that are read once are in `option_files`.
DATA_PATHS = ("data_dir", "tfrecord_labels", "webdataset_labels", "alphabet")
# Where examples and their labels lie, and how they are split: a run that goes on
# compares the examples.
_PLACES = ("dataset", "split_file", *DATA_PATHS)


def with_places_of(old: RunConfig, new: RunConfig) -> RunConfig:
    """Return a config whose data lies where that of another one does."""
    places: dict[str, Any] = {
        name: getattr(old, name) for name in _PLACES if hasattr(old, name)
    }
    return dataclasses.replace(new, **places)


def differences(
    old: RunConfig,
    new: RunConfig,
    *,
    may_move: bool = False,
    same: Collection[str] = (),
) -> list[str]:
    """Return a line for each field whose values exclude each other.

    Args:
        old: of the run folder.
        new: what is asked for.
        may_move: whether the data may lie at another place now.
        same: fields that say the same in other words.
    """
    if old.task != new.task:
        return [f"--task: {old.task} -> {new.task}"]
    found = []
    for field in dataclasses.fields(new):
        before, after = getattr(old, field.name), getattr(new, field.name)
        may_change = field.metadata["may_change"] or field.name in same
        if may_move and field.name in _PLACES:
            may_change = True
        if before != after and not may_change:
            texts = [flagfile.format_value(v) or "(empty)" for v in (before, after)]
            found.append(f"--{field.name}: {' -> '.join(texts)}")
    return found
