"""The packages of the extra `audio`, imported where they are used."""

import importlib
import importlib.util
from typing import Any

from kft import errors

PACKAGES = ("soundfile", "soxr")


def require(module: str) -> Any:
    """Return a module of a package that only sounds need.

    Raises:
        errors.ConfigError: where the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise errors.ConfigError(
            f"Sounds need the package {module}, which is not installed: "
            f"{errors.install('audio')}."
        ) from error


def missing() -> list[str]:
    """Return the packages that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]
