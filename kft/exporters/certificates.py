"""Certificates of exports: parity.json, by the name of the format. No TensorFlow."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kft import errors, exporters
from kft.run_folder import history, json_values, regular_file
from kft.run_folder.run_dir import RunDir

_NAME = "parity.json"
_NEEDED: dict[str, Any] = {
    "export": str,
    "quantize": str,
    "examples": int,
    "top1_agreement": float,
    # None where an answer was no number.
    "largest_difference": float | None,
    "accuracy": float | None,
    "network_accuracy": float | None,
    "megabytes": float,
    "milliseconds_p50": float,
    "milliseconds_p95": float,
    "examples_per_second": float,
    "passed": bool,
    "problem": str | None,
}
_TYPES = {**_NEEDED, "temperature": float, "examples_from": str, "tta": str | None}


def file_of(run: RunDir) -> Path:
    """Return where the certificates of the exports of a run are."""
    return run.export / _NAME


def read(run: RunDir) -> dict[str, dict[str, Any]]:
    """Return parity.json, empty where there is none yet; old keys by their new names.

    Raises:
        errors.RunDirError: where it is damaged.
    """
    path = file_of(run)
    try:
        content = json.loads(regular_file.read(path))
        json_values.check({"it": content}, {"it": Mapping[str, dict[str, Any]]})
        return {name: _checked(history.renamed(one)) for name, one in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise errors.RunDirError(f"{path} is damaged: {error}. Remove it.") from error


def _checked(certificate: dict[str, Any]) -> dict[str, Any]:
    """Return a certificate; raises ValueError for one that no version wrote."""
    missing = [name for name in _NEEDED if name not in certificate]
    if missing:
        raise ValueError(f"a certificate has no {missing[0]!r}")
    json_values.check(certificate, _TYPES)
    shares = (certificate["top1_agreement"], certificate["accuracy"] or 0)
    if not all(0 <= share <= 1 for share in shares) or certificate["examples"] < 1:
        raise ValueError(f"a certificate is of {certificate['examples']} examples")
    if certificate["export"].split("/")[0] not in exporters.EXPORTERS:
        raise ValueError(f"a certificate is of {certificate['export'][:40]!r}")
    return certificate


def add(run: RunDir, name: str, certificate: Mapping[str, Any]) -> None:
    """Put a certificate into parity.json beside those of other formats."""
    run.write_json(file_of(run), {**read(run), name: certificate})
