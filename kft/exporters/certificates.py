"""Certificates of exports: parity.json, by the name of the format. No TensorFlow."""

import json
from collections.abc import Mapping
from typing import Any

from kft import errors
from kft.run_folder import history
from kft.run_folder.run_dir import RunDir

_NAME = "parity.json"


def read(run: RunDir) -> dict[str, dict[str, Any]]:
    """Return parity.json, empty where there is none yet; old keys by their new names.

    Raises:
        errors.RunDirError: where it is damaged.
    """
    path = run.export / _NAME
    try:
        content = json.loads(path.read_bytes())
        return {name: history.renamed(one) for name, one in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise errors.RunDirError(f"{path} is damaged: {error}. Remove it.") from error


def add(run: RunDir, name: str, certificate: Mapping[str, Any]) -> None:
    """Put a certificate into parity.json beside those of other formats."""
    run.write_json(run.export / _NAME, {**read(run), name: certificate})
