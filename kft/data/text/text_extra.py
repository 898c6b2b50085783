"""The packages of the extra `text`, imported where they are used."""

import importlib
from typing import Any

from kft import errors


def require(module: str) -> Any:
    """Return a module of a package that only texts need.

    Raises:
        errors.ConfigError: where the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise errors.ConfigError(
            f"Texts need the package {module.partition('.')[0]}, which is not "
            f"installed: {errors.install('text')}."
        ) from error
