"""Tasks: everything in a run that depends on the kind of data and of answer.

A new task is a folder here and a line in `TASKS`. One of another package is a line too,
`tasks.TASKS["curves"] = KIND`, in a module that the environment variable KFT_TASKS
names (several have commas between them), so that every command and its child processes
have it. Importing this package does not import TensorFlow.
"""

import dataclasses
import functools
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kft import config as config_lib
from kft import data, errors
from kft.config import RunConfig
from kft.data.examples import Labelled, Splits
from kft.data.labels import LabelMap
from kft.tasks import (
    audio_classification,
    image_classification,
    speech_recognition,
    text_classification,
    token_classification,
)
from kft.tasks.task_kind import TaskKind

if TYPE_CHECKING:
    # Which reads a run's config, and so asks which tasks there are.
    from kft.run_folder.run_dir import RunDir
    from kft.tasks.task import ServedTask, Task
    from kft.tasks.views import Views

# In a message, a line that is not the first of a file.
_LATER_LINE = re.compile(r", line (?!1\b)\d+:")

TASKS: dict[str, TaskKind[Any]] = {
    "image_classification": image_classification.KIND,
    "text_classification": text_classification.KIND,
    "token_classification": token_classification.KIND,
    "audio_classification": audio_classification.KIND,
    "speech_recognition": speech_recognition.KIND,
}
_MODULES = "KFT_TASKS"


def known() -> Mapping[str, TaskKind[Any]]:
    """Return `TASKS`, those of other packages among them.

    Raises:
        errors.ConfigError: where KFT_TASKS names a module that there is not.
    """
    _import_others(os.environ.get(_MODULES, ""))
    return TASKS


@functools.cache
def _import_others(modules: str) -> None:
    for name in filter(None, (part.strip() for part in modules.split(","))):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            raise errors.ConfigError(
                f"{_MODULES}={modules}: there is no module {error.name!r} in the "
                "installed packages, in PYTHONPATH or, with python -m, in the working "
                "directory."
            ) from error


def kind(name: str) -> TaskKind[Any]:
    """Return the half of a task that needs no TensorFlow.

    Raises:
        errors.ConfigError: where there is no such task.
    """
    found = known()
    if name not in found:
        raise errors.ConfigError(
            f"--task: expected one of {', '.join(found)}, received {name!r}. "
            f"{errors.closest(name, found)}"
        )
    return found[name]


def get(config: RunConfig, labels: LabelMap, *, run: "RunDir | None" = None) -> "Task":
    """Return the task of a run; this starts TensorFlow.

    Args:
        config: its field `task` is a key of `TASKS`.
        labels: the classes, in index order.
        run: folder of the run, once it is finished; None before.

    Raises:
        errors.ConfigError: where there is no such task.
        errors.RunDirError: where the task has files in the folder that are damaged.
    """
    return _module(kind(config.task)).build(config, labels, run)


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> "ServedTask":
    """Return the task of an export, as far as it can be asked; starts TensorFlow.

    Args:
        labels: the classes, in index order.
        metadata: what the export has inside, with the name of its task; without one it
            is of the task that was the only one once.

    Raises:
        KeyError: where a part of the metadata is missing.
        errors.ConfigError: where there is no such task, or a value is not legal.
    """
    name = metadata.get("task", config_lib.DEFAULT_TASK)
    return _module(kind(name)).from_export(labels, metadata)


def check_views(task: str, tta: str | None) -> None:
    """Check that a task has views by a name.

    Args:
        task: a key of `TASKS`.
        tta: the name, a value of `--tta`; None for none, which is right for all.

    Raises:
        errors.ConfigError: naming the views that there are, or the tasks with any.
    """
    names = kind(task).views
    if tta is None:
        return
    if not names:
        able = [name for name, one in known().items() if one.views]
        raise errors.ConfigError(
            f"--tta={tta}: the run is of --task={task}, whose examples have one view "
            f"only. Leave it out; it is for {', '.join(able)}."
        )
    if tta not in names:
        raise errors.ConfigError(
            f"--tta: expected one of {', '.join(names)}, received {tta!r}. "
            f"{errors.closest(tta, names)}"
        )


def views_of(config: RunConfig, task: "Task", tta: str) -> "Views":
    """Return the views of a task by their name; raises what `check_views` does.

    Args:
        config: of the run.
        task: what `get` made of it.
        tta: the name, a value of `--tta`.
    """
    check_views(config.task, tta)
    return _module(kind(config.task)).views(task, tta)


class _TaskModule(Protocol):
    """The half of a task that may import TensorFlow, a module."""

    def build(
        self, config: RunConfig, labels: LabelMap, run: "RunDir | None" = None
    ) -> "Task":
        """Return the task of a run.

        `run` is the folder of a finished one, in which is what `TaskKind.kept_files`
        and `Objective.fitted_files` said.
        """

    def from_export(
        self, labels: LabelMap, metadata: Mapping[str, Any]
    ) -> "ServedTask":
        """Return the task of an export; metadata is what `Serving.metadata` said."""

    def views(self, task: "Task", name: str) -> "Views":
        """Return the views of a name; only where `TaskKind.views` has it."""


def _module(kind: TaskKind[Any]) -> _TaskModule:
    imported: Any = importlib.import_module(kind.module)
    module: _TaskModule = imported
    return module


def check_dataset(config: RunConfig) -> None:
    """Find mistakes in the data set of a run; see `kft.data.check_dataset`.

    Other tasks are named that would take what this one does not.
    """
    try:
        data.check_dataset(config, kind(config.task).sources)
    except (errors.ConfigError, errors.DataError) as error:
        # This task reads the lines before it, so what is in that line is the mistake.
        if _LATER_LINE.search(str(error)):
            raise
        readers = [f"--task={name}" for name in _others_that_read(config)]
        if not readers:
            raise
        text = f"{error} What is there is read by {' or '.join(readers)}."
        raise type(error)(text) from error


def _others_that_read(config: RunConfig) -> Iterator[str]:
    """Yield the names of the other tasks that take a data set as it is."""
    fields = dataclasses.fields(config_lib.DataConfig)
    told = {field.name: getattr(config, field.name) for field in fields}
    for name, other in known().items():
        if name == config.task:
            continue
        try:
            asked = other.config_class(**{**told, "task": name})
            data.check_dataset(asked, other.sources)
        except errors.KftError:
            continue
        yield name


def load_splits(config: RunConfig) -> Splits:
    """Return the splits of a run's data set; see `kft.data.load_splits`."""
    return data.load_splits(config, kind(config.task).sources)


def load_known(config: RunConfig, known: LabelMap) -> Labelled:
    """Return the examples of a data set, for a run; see `kft.data.load_known`."""
    return data.load_known(config, kind(config.task).sources, known)


def config_from_dict(values: Mapping[str, Any]) -> RunConfig:
    """Return the config of a run from what `kft.config.to_dict` gave.

    Raises:
        TypeError: where a name is no option of the task.
        errors.ConfigError: where a value is not legal, or there is no such task.
    """
    name = values.get("task", config_lib.DEFAULT_TASK)
    config_class: type[RunConfig] = kind(name).config_class
    return config_lib.from_dict(config_class, values)
