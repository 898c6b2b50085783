"""The machine: seeds, precision and devices. The only maker of tf.distribute strategies."""

import dataclasses
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft import errors
from kft.config import RuntimeConfig


@dataclasses.dataclass(frozen=True)
class Devices:
    """How a step is spread over devices and processes.

    Attributes:
        strategy: TensorFlow's default strategy, which does nothing, on one device.
        num_workers: processes that train together.
        worker: rank of this process, 0 is the chief.
    """

    strategy: tf.distribute.Strategy
    num_workers: int = 1
    worker: int = 0

    @property
    def replicas(self) -> int:
        """Return the number of replicas over all processes."""
        return self.strategy.num_replicas_in_sync

    @property
    def replicas_per_worker(self) -> int:
        """Return the number of replicas of this process."""
        return self.replicas // self.num_workers

    @property
    def is_chief(self) -> bool:
        """Return whether this process writes the run folder."""
        return self.worker == 0

    def distribute(
        self, make_dataset: Callable[[], tf.data.Dataset]
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Return a dataset each of whose elements feeds every replica once.

        Args:
            make_dataset: gives this process' batches, one element per replica.
        """
        if self.replicas == 1:
            return make_dataset()
        return self.strategy.distribute_datasets_from_function(lambda _: make_dataset())

    def total(self, value: Any) -> tf.Tensor:
        """Return the sum over replicas of what `strategy.run` returned."""
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)

    def gather_rows(self, value: Any) -> np.ndarray:
        """Return the rows that the replicas computed, in the order of the batch."""
        if self.replicas == 1:
            return value.numpy()
        return self.strategy.gather(value, axis=0).numpy()


def start(config: RuntimeConfig, *, seed: int) -> Devices:
    """Seed everything, set the precision, and return the devices to train on.

    Raises:
        errors.ConfigError: where this machine can not do what the flags ask for.
    """
    keras.utils.set_random_seed(seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy(_dtype_policy(config.precision))
    return Devices(_strategy(config.strategy))


def _strategy(name: str) -> tf.distribute.Strategy:
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        name = "mirrored" if len(gpus) > 1 else "single"
    if name == "single":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    raise errors.ConfigError(f"--strategy={name} is not possible on this machine.")


def _dtype_policy(precision: str) -> str:
    """Return the Keras dtype policy: variables stay float32 in each of them."""
    gpus = tf.config.list_physical_devices("GPU")
    if precision == "auto":
        precision = _fast_precision(gpus[0]) if gpus else "float32"
    if precision == "float16" and not gpus:
        raise errors.ConfigError(
            "--precision=float16: CPUs compute float16 slower than float32. Use "
            "--precision=float32 or, where the CPU has bfloat16 units, bfloat16."
        )
    return "float32" if precision == "float32" else f"mixed_{precision}"


def _fast_precision(gpu: tf.config.PhysicalDevice) -> str:
    """Return what the GPU's matrix units are made for, by compute capability.

    bfloat16 needs 8.0 (Ampere), float16 tensor cores 7.0 (Volta): NVIDIA CUDA
    programming guide, table of arithmetic per compute capability.
    """
    details = tf.config.experimental.get_device_details(gpu)
    capability = details.get("compute_capability", (0, 0))
    if capability >= (8, 0):
        return "bfloat16"
    return "float16" if capability >= (7, 0) else "float32"


def environment(devices: Devices) -> dict[str, Any]:
    """Return what environment.json says of the software and the devices."""
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
