"""The software and the devices that a run is made with."""

import platform
import sys
import typing
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import kft
from kft import errors
from kft.run_folder import json_values, option_files, saved_config

if typing.TYPE_CHECKING:
    from kft.distribution.replicas import Devices
    from kft.run_folder.run_dir import RunDir

# Key of environment.json for `kft.data.examples.Splits.fingerprint`.
DATA_FINGERPRINT = "data_fingerprint"
_TYPES = {
    "python": str,
    "platform": str,
    "packages": Mapping[str, str | None],
    "devices": Sequence[str],
    "strategy": str,
    "replicas": int,
    "workers": int,
    "dtype_policy": str,
    "command": Sequence[str],
    DATA_FINGERPRINT: str | None,
    option_files.KEY: Mapping[str, str],
}


def describe(devices: "Devices") -> dict[str, Any]:
    """Return what environment.json says of the software and the devices."""
    import keras
    import tensorflow as tf

    logical = tf.config.list_logical_devices()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(),
        "devices": [device.name for device in logical],
        "strategy": type(devices.strategy).__name__,
        "replicas": devices.replicas,
        "workers": devices.num_workers,
        "dtype_policy": keras.config.dtype_policy().name,
        "command": sys.argv,
    }


def read(run: "RunDir") -> Mapping[str, Any]:
    """Return environment.json; what an older version did not write is absent.

    Raises:
        errors.RunDirError: where it is missing or damaged.
    """
    facts = saved_config.read_json(run.environment_json)
    try:
        json_values.check(facts, _TYPES)
    except ValueError as error:
        raise errors.RunDirError(
            f"{run.environment_json} is damaged: {error}. Restore it from a copy."
        ) from error
    return facts


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that decide what a run computes."""
    packages = ("tensorflow", "keras", "numpy", "tensorflow-datasets")
    # Of the code that runs: what pip calls kft may be another project.
    return {"kft": kft.__version__} | {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
