"""The flags of a command that makes runs: they depend on `--task`."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from kft import errors
from kft.config import DEFAULT_TASK, Config, RunConfig, of_task

TASK = "task"


class TaskFlags(Protocol):
    """What a command line has to know of a task."""

    @property
    def summary(self) -> str:
        """Return what the network learns to do, one line."""

    @property
    def config_class(self) -> type[RunConfig]:
        """Return the config of its runs."""


@dataclasses.dataclass(frozen=True)
class ByTask:
    """The config classes of a command, one for each task.

    Attributes:
        tasks: returns those that there are, by name.
        options: of the command, on top of those of a run.
        shown: which of the options that all tasks share --help lists; default all.
        needed: options that have to be given here, although a program may leave them
            out: whose data a command takes is not to be guessed.
    """

    tasks: Callable[[], Mapping[str, TaskFlags]]
    options: type[RunConfig] = RunConfig
    shown: type[Config] | None = None
    needed: Collection[str] = ()

    def config_class(self, task: str) -> type[Config]:
        """Return the config of the command for a task.

        Raises:
            errors.ConfigError: where there is no such task.
        """
        known = self.tasks()
        if task not in known:
            raise errors.ConfigError(
                f"--task: expected one of {', '.join(known)}, received {task!r}. "
                f"{errors.closest(task, known)}"
            )
        run_class = known[task].config_class
        if self.options is RunConfig:
            return run_class
        return of_task(self.options, run_class)

    def classes(self) -> Sequence[type[Config]]:
        """Return the configs for all tasks."""
        return [self.config_class(task) for task in self.tasks()]

    def is_common(self, option: str) -> bool:
        """Return whether an option is there whatever the task."""
        return option in {field.name for field in dataclasses.fields(self.options)}

    def owners(self, option: str) -> list[str]:
        """Return the tasks that have an option of their own, by its name."""
        if self.is_common(option):
            return []
        return [
            task
            for task in self.tasks()
            if option
            in {field.name for field in dataclasses.fields(self.config_class(task))}
        ]


def chosen_task(arguments: Iterable[str]) -> str:
    """Return the task that the last `--task` of a command line names, else the default.

    Args:
        arguments: with the lines of flagfiles in their place.
    """
    task, is_next = DEFAULT_TASK, False
    for argument in arguments:
        if argument == "--":
            break
        name, equals, value = argument.lstrip("-").partition("=")
        if is_next:
            task, is_next = argument.strip(), False
        elif argument.startswith("-") and name == TASK:
            task, is_next = value.strip() if equals else task, not equals
    return task
