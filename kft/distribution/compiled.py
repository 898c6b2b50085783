"""Where XLA compiles what a replica computes."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kft import errors
from kft.config import RunConfig
from kft.distribution.replicas import Devices


def uses_xla(config: RunConfig, devices: Devices) -> bool:
    """Return whether the network is compiled.

    Raises:
        errors.ConfigError: for --jit=on with several devices, whose collective
            operations XLA would have to see as well.
    """
    if config.jit == "on" and devices.replicas > 1:
        raise errors.ConfigError(
            f"--jit=on compiles for one device, and {devices.replicas} share a batch: "
            "use --jit=auto, or --strategy=single."
        )
    if config.jit == "auto":
        has_gpu = bool(tf.config.list_logical_devices("GPU"))
        return has_gpu and devices.replicas == 1
    return config.jit == "on"


def function(
    work: Callable[..., Any], config: RunConfig, devices: Devices
) -> Callable[..., Any]:
    """Return `work`, compiled where `uses_xla` says so."""
    return tf.function(work, jit_compile=True) if uses_xla(config, devices) else work
