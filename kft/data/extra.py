"""Packages that one kind of data needs, and kft is installed without."""

import dataclasses
import importlib
import importlib.util
from typing import Any

from kft import errors


@dataclasses.dataclass(frozen=True)
class Extra:
    """An extra of pyproject.toml, whose packages are imported where they are used.

    Attributes:
        name: what pip knows it by.
        noun: what cannot be read without it, to begin a sentence with.
        packages: names to import, all of which it brings.
    """

    name: str
    noun: str
    packages: tuple[str, ...]

    def require(self, module: str) -> Any:
        """Return a module of one of the packages.

        Raises:
            errors.ConfigError: where the package is not installed.
        """
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise self._missing(module.partition(".")[0]) from error

    def check(self) -> None:
        """Check that all is installed, without importing it.

        Raises:
            errors.ConfigError: where a package is not.
        """
        for name in self.packages:
            if importlib.util.find_spec(name) is None:
                raise self._missing(name)

    def _missing(self, package: str) -> errors.ConfigError:
        return errors.ConfigError(
            f"{self.noun} need the package {package}, which is not installed: "
            f"{errors.install(self.name)}."
        )

    def problem(self, task: str) -> str | None:
        """Return what a task lacks, as a sentence; None where all is installed."""
        missing = [
            name for name in self.packages if importlib.util.find_spec(name) is None
        ]
        if not missing:
            return None
        return (
            f"--task={task} needs {' and '.join(missing)}: {errors.install(self.name)}."
        )
