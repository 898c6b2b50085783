"""Files of JSON in a folder as Hugging Face lays it out."""

import json
from importlib.resources.abc import Traversable
from typing import Any

from kft import errors


def read(path: Traversable, flag: str) -> dict[str, Any]:
    """Return the object in a file.

    Args:
        path: of the file, which may be in an archive.
        flag: what names its folder, for messages.

    Raises:
        errors.ConfigError: where there is none that can be read.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, KeyError, ValueError) as error:
        raise errors.ConfigError(
            f"{flag}: expected a readable {path.name} in the folder, as Hugging Face "
            f"writes it: {error}."
        ) from error
    if not isinstance(found, dict):
        raise errors.ConfigError(
            f"{flag}: expected an object in {path.name}, received "
            f"{type(found).__name__}."
        )
    return found
