"""The parts of every task have all that `kft.tasks.task` asks of them."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

from kft import tasks
from kft.tasks import task

PARTS = (task.Inputs, task.Objective, task.Serving, task.Display)


def _parts() -> Iterator[tuple[type, type]]:
    """Yield the classes that are called like a part, and the protocol of it."""
    for name in tasks.TASKS:
        package = importlib.import_module(f"kft.tasks.{name}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            found = vars(importlib.import_module(module.name)).values()
            for one in filter(inspect.isclass, found):
                if one.__module__ == module.name and not one.__subclasses__():
                    for part in PARTS:
                        if one.__name__.endswith(part.__name__):
                            yield one, part


FOUND = list(_parts())


def test_every_task_has_its_parts() -> None:
    serving = {one for one, part in FOUND if part is task.Serving}
    assert {one.__module__.split(".")[2] for one in serving} == set(tasks.TASKS)


@pytest.mark.parametrize(("one", "part"), FOUND, ids=lambda found: found.__name__)
def test_a_part_lacks_nothing(one: type, part: type) -> None:
    asked = {name for name in vars(part) if not name.startswith("_")}
    asked -= set(getattr(part, "__annotations__", {}))
    assert {name for name in asked if not hasattr(one, name)} == set()
