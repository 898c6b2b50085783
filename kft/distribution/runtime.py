"""The machine: seeds, precision, devices. The only maker of strategies."""

import contextlib
import functools
import importlib.util
import logging as python_logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf
from absl import logging

from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import cluster as clusters
from kft.distribution import rendezvous, replicas, slurm, worker_loss
from kft.distribution.cluster import Cluster, DeviceRequest
from kft.distribution.replicas import Devices

_SECONDS_BETWEEN_WORDS = 30.0
_TRACING_ADVICE = "triggered tf.function retracing"
# Far from the keys of strategies, which count from 1 (TensorFlow 2.21).
_GROUP_OF_WORKERS = 1 << 20


def start(config: RuntimeConfig, *, seed: int) -> Devices:
    """Seed everything, set the precision, and return the devices to train on.

    With several workers it returns when all of them are there; it has to be the first
    to use TensorFlow in the process then, as with logical CPUs.

    Raises:
        errors.ConfigError: where this machine cannot do what the flags ask for.
    """
    tf.get_logger().addFilter(_is_for_the_user)
    keras.utils.set_random_seed(seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.config.set_image_data_format("channels_last")
    cluster = clusters.find(config, os.environ)
    if cluster is None and slurm.is_outside_step(os.environ):
        logging.warning(
            "SLURM_NTASKS=%s, but srun did not start this process: it trains alone.",
            os.environ["SLURM_NTASKS"],
        )
    request = clusters.parse_devices(config.devices)
    gpus = _visible_gpus(request)
    _set_memory_growth(gpus, config.memory_growth)
    keras.config.set_dtype_policy(_dtype_policy(config.precision, gpus))
    if cluster is not None:
        if request.kind == "cpu" and request.count not in (None, 1):
            raise errors.ConfigError(
                f"--devices={config.devices}: with several workers each computes on "
                "its GPUs or on one CPU. Start more workers instead."
            )
        return _multi_worker(cluster, len(gpus))
    if config.strategy == "tpu":
        return Devices(_tpu())
    _split_cpu(request)
    return Devices(_local(config, "GPU" if gpus else "CPU"))


def _is_for_the_user(record: python_logging.LogRecord) -> bool:
    """Return False for advice on how often kft's own functions are traced.

    Each stage, trial and finished run has a network of its own, and so functions of
    its own, which are traced once. TensorFlow (2.21) counts by the line of code that
    they share, and advises against it from the fifth on.
    """
    message = record.getMessage()
    return _TRACING_ADVICE not in message or not _names_own_function(message)


def _names_own_function(message: str) -> bool:
    """Return whether a message names a method of an object of kft, or a function."""
    if " of <kft." in message:
        return True
    named = re.search(r"<function (\w+)", message)
    modules = [vars(m) for name, m in list(sys.modules.items()) if name[:4] == "kft."]
    return named is not None and any(
        getattr(module.get(named[1]), "__module__", "") == module["__name__"]
        for module in modules
    )


def _visible_gpus(request: DeviceRequest) -> list[tf.config.PhysicalDevice]:
    """Return the GPUs that this process uses, and hide all others from TensorFlow."""
    gpus = tf.config.list_physical_devices("GPU")
    if request.kind == "gpu" and len(gpus) < (request.count or 1):
        raise errors.ConfigError(
            f"--devices: expected at most the {len(gpus)} GPUs that TensorFlow finds "
            f"here, received {request.count or 'gpu'}. cpu computes without a GPU."
        )
    used = [] if request.kind == "cpu" else gpus[: request.count]
    if used != gpus:
        with _before_start("--devices"):
            tf.config.set_visible_devices(used, "GPU")
    return used


def _set_memory_growth(gpus: Sequence[tf.config.PhysicalDevice], grows: bool) -> None:
    """Let TensorFlow take the memory of GPUs as it needs it, or all at once.

    That is settled when a process first computes. One that has computed already keeps
    what it has: results do not depend on it.
    """
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, grows)
        except RuntimeError:
            logging.warning(
                "--%smemory_growth comes too late for %s: this process has used "
                "TensorFlow before.",
                "" if grows else "no",
                gpu.name,
            )


def _split_cpu(request: DeviceRequest) -> None:
    if request.kind == "cpu" and request.count and request.count > 1:
        with _before_start("--devices"):
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * request.count
            )


@contextlib.contextmanager
def _before_start(what: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise errors.ConfigError(
            f"{what} has to be set before anything else uses TensorFlow in this "
            f"process ({error})."
        ) from error


def _local(config: RuntimeConfig, kind: str) -> tf.distribute.Strategy:
    """Return the strategy of a process that trains alone."""
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    several = len(names) > 1
    if config.strategy == "single" and several and config.devices:
        raise errors.ConfigError(
            f"--strategy=single computes on one device, received --devices="
            f"{config.devices}. Use --strategy=mirrored."
        )
    if config.strategy == "multi_worker":
        logging.info("There is one worker only: it trains alone.")
    if config.strategy == "mirrored" or (several and config.strategy != "single"):
        return _mirrored(tuple(names))
    # No strategy scope at all: TensorFlow's default strategy does nothing.
    return tf.distribute.get_strategy()


@functools.cache
def _mirrored(names: Sequence[str]) -> tf.distribute.Strategy:
    """Return the strategy of some devices, always the same one.

    A second strategy of a process would count its collective operations from 1 again,
    which TensorFlow (2.21) takes for those of the first.
    """
    return tf.distribute.MirroredStrategy(names)


@functools.cache
def _multi_worker(cluster: Cluster, gpus: int) -> Devices:
    """Return the devices of all workers; a process can join a cluster only once."""
    addresses = cluster.addresses or rendezvous.meet(cluster)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(addresses)}),
        task_type="worker",
        task_id=cluster.worker,
        rpc_layer="grpc",
        num_accelerators={"GPU": gpus},
    )
    with (
        _before_start("--strategy=multi_worker"),
        _naming_absent(cluster, addresses),
        _keeping_signals(),
    ):
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        except tf.errors.UnknownError as error:
            raise errors.ConfigError(
                f"{cluster.source}: worker {cluster.worker} cannot listen at "
                f"{addresses[cluster.worker]}: the port is in use, or the host is not "
                f"this one ({error.message})."
            ) from error
    devices = Devices(strategy, cluster.num_workers, cluster.worker, addresses)
    with worker_loss.explaining(devices):
        _require_equal_gpus(_gather(cluster, gpus))
    return devices


@contextlib.contextmanager
def _keeping_signals() -> Iterator[None]:
    """Give signals back to who handled them before the block.

    When several workers have met, TensorFlow (2.21, `preemption_notifier.cc`) takes
    SIGTERM for itself, and a run would neither save nor stop.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in errors.STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None stands for one that is not of Python, which nobody can name.
            if handler is not None:
                signal.signal(number, handler)


def _gather(cluster: Cluster, value: int) -> list[int]:
    """Return what each worker passed, alike on all.

    The strategy cannot tell: its operations wait for as many devices as this worker
    believes there to be.
    """
    with tf.device(f"/job:worker/replica:0/task:{cluster.worker}/device:CPU:0"):
        pairs = tf.raw_ops.CollectiveGather(
            input=tf.constant([[cluster.worker, value]], tf.int64),
            group_size=cluster.num_workers,
            group_key=_GROUP_OF_WORKERS,
            instance_key=1,
            shape=[cluster.num_workers, 2],
        )
    return [int(value) for _, value in sorted(pairs.numpy().tolist())]


def _require_equal_gpus(counts: Sequence[int]) -> None:
    """Check that all workers use as many GPUs: TensorFlow takes that for granted.

    Args:
        counts: GPUs that each worker uses.

    Raises:
        errors.ConfigError: where one uses more than another.
    """
    fewest = min(counts)
    if fewest == max(counts):
        return
    by_count = {
        count: [worker for worker, own in enumerate(counts) if own == count]
        for count in sorted(set(counts))
    }
    received = ", ".join(
        f"{count} on {replicas.workers(ranks)}" for count, ranks in by_count.items()
    )
    common = f"gpu:{fewest}" if fewest else "cpu"
    raise errors.ConfigError(
        f"Expected as many GPUs on each worker, received {received}. Start all "
        f"workers with --devices={common}, or leave out those that have fewer."
    )


@contextlib.contextmanager
def _naming_absent(cluster: Cluster, addresses: Sequence[str]) -> Iterator[None]:
    """Say now and then which workers are not there yet, while the block waits."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_SECONDS_BETWEEN_WORDS):
            absent = rendezvous.silent(addresses)
            logging.info(
                "Worker %d waits for %s (%s).",
                cluster.worker,
                replicas.workers(absent) if absent else "the others to be ready",
                ", ".join(addresses[worker] for worker in absent) or cluster.source,
            )

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _tpu() -> tf.distribute.Strategy:
    """Return the strategy of this machine's TPU. Experimental: it was never run."""
    if importlib.util.find_spec("libtpu") is None:
        raise errors.ConfigError(
            "--strategy=tpu (experimental) needs a Cloud TPU machine with a TensorFlow "
            "for TPUs (package libtpu); there is none here. Use --strategy=auto."
        )
    logging.warning("--strategy=tpu is experimental.")
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu="local")
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


def _dtype_policy(precision: str, gpus: Sequence[tf.config.PhysicalDevice]) -> str:
    """Return the Keras dtype policy: variables stay float32 in each of them."""
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

    From 8.0 (Ampere) on they take float32, as TF32, which is TensorFlow's default; 7.x
    (Volta, Turing) have float16 alone: NVIDIA CUDA programming guide, table of
    arithmetic per compute capability. On an H200 bfloat16 made steps 10% faster
    (MobileNetV2) and 6% slower (ResNet50), and stages 20 s later to begin.
    """
    details = tf.config.experimental.get_device_details(gpu)
    capability = details.get("compute_capability", (0, 0))
    return "float16" if (7, 0) <= capability < (8, 0) else "float32"
