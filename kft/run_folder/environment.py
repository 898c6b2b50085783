"""The software and the devices that a run is made with."""

import platform
import sys
import typing
from importlib import metadata
from typing import Any

if typing.TYPE_CHECKING:
    from kft.distribution.replicas import Devices

# Key of environment.json for `kft.data.examples.Splits.fingerprint`.
DATA_FINGERPRINT = "data_fingerprint"


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


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that decide what a run computes."""
    packages = ("kft", "tensorflow", "keras", "numpy", "tensorflow-datasets")
    return {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
