"""Devices, precision and strategies; what needs a fresh process is in distributed/."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import runtime, worker_loss
from kft.distribution.replicas import Devices
from tests.conftest import REPOSITORY
from tests.training.workers.conftest import free_ports

GPU = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
ALONE = Devices(tf.distribute.get_strategy())


def test_one_cpu_opens_no_strategy_scope():
    devices = runtime.start(RuntimeConfig(), seed=0)
    assert not tf.distribute.has_strategy()
    assert devices.strategy is tf.distribute.get_strategy()
    assert (devices.replicas, devices.num_workers, devices.is_chief) == (1, 1, True)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"strategy": "tpu"}, "--strategy=tpu .*there is none here"),
        ({"devices": "gpu"}, "at most the 0 GPUs"),
        ({"devices": "2"}, "at most the 0 GPUs .*received 2"),
        ({"precision": "float16"}, "CPUs compute float16 slower"),
        ({"strategy": "multi_worker"}, "expected to be told who takes part"),
    ],
    ids=str,
)
def test_what_this_machine_can_not_do_is_refused(changes, says):
    with pytest.raises(errors.ConfigError, match=says):
        runtime.start(RuntimeConfig(**changes), seed=0)


def test_logical_cpus_come_too_late_in_a_process_that_computes():
    tf.zeros([1])
    with pytest.raises(
        errors.ConfigError, match="before anything else uses TensorFlow"
    ):
        runtime.start(RuntimeConfig(devices="cpu:2"), seed=0)


CODE = """
import tensorflow as tf
from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import runtime

try:
    runtime.start(RuntimeConfig(devices="cpu:2", strategy="single"), seed=0)
except errors.ConfigError as error:
    print(error)
for strategy in ("auto", "mirrored"):
    devices = runtime.start(RuntimeConfig(devices="cpu:2", strategy=strategy), seed=0)
    print(type(devices.strategy).__name__, devices.replicas)
"""


@pytest.mark.slow
def test_logical_cpus_are_devices():
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "--strategy=single computes on one device, received --devices=cpu:2. Use "
        "--strategy=mirrored.",
        "MirroredStrategy 2",
        "MirroredStrategy 2",
    ]


@pytest.mark.parametrize("grows", [True, False])
def test_memory_of_gpus_grows_where_asked_for(grows, monkeypatch):
    asked = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", _noting(asked))
    monkeypatch.setattr(runtime, "_visible_gpus", lambda _: [GPU, GPU])
    monkeypatch.setattr(runtime, "_fast_precision", lambda _: "float32")
    runtime.start(RuntimeConfig(memory_growth=grows), seed=0)
    assert asked == [(GPU, grows)] * 2


@pytest.mark.parametrize(
    ("capability", "policy"),
    [
        ((6, 1), "float32"),
        ((7, 0), "mixed_float16"),
        ((7, 5), "mixed_float16"),
        ((8, 0), "float32"),
        ((9, 0), "float32"),
    ],
)
def test_a_gpu_computes_in_float32_where_it_is_fast(capability, policy, monkeypatch):
    details = {"compute_capability": capability}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    assert runtime._dtype_policy("auto", [GPU]) == policy
    assert runtime._dtype_policy("bfloat16", [GPU]) == "mixed_bfloat16"


def _noting(calls):
    return lambda *arguments: calls.append(arguments)


def test_a_process_that_has_computed_keeps_the_memory_that_it_has(monkeypatch, caplog):
    def refuse(_, __):
        raise RuntimeError("Physical devices cannot be modified")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    with caplog.at_level(logging.WARNING, logger="absl"):
        runtime._set_memory_growth([GPU], False)
    assert "--nomemory_growth comes too late for /physical_device:GPU:0" in caplog.text


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([2, 1, 2], "received 1 on worker 1, 2 on workers 0, 2. .*--devices=gpu:1,"),
        ([0, 4], "received 0 on worker 0, 4 on worker 1. .*--devices=cpu,"),
    ],
)
def test_workers_of_unequal_gpus_are_refused(counts, says):
    with pytest.raises(errors.ConfigError, match=says):
        runtime._require_equal_gpus(counts)
    runtime._require_equal_gpus([2, 2])


# Worker I says that it has I + 1 GPUs, before anything is placed on them.
UNEQUAL = """
import sys
from kft import errors
from kft.distribution import runtime
from kft.distribution.cluster import Cluster

worker = int(sys.argv[1])
cluster = Cluster(worker, 2, "test", addresses=tuple(sys.argv[2:]))
try:
    runtime._multi_worker(cluster, worker + 1)
except errors.ConfigError as error:
    print(error)
"""


@pytest.mark.slow
def test_workers_tell_each_other_how_many_gpus_they_have():
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UNEQUAL, str(worker), *addresses],
            cwd=REPOSITORY,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(2)
    ]
    try:
        told = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for text in told:
        assert "received 1 on worker 0, 2 on worker 1." in text


def test_a_process_alone_agrees_with_itself():
    np.testing.assert_array_equal(ALONE.exchange([1, 2.5]), [[1, 2.5]])
    assert ALONE.from_chief(lambda: b"content") == b"content"
    assert ALONE.any(True)
    assert not ALONE.any(False)
    ALONE.require_equal({"anything": "text"})
    with pytest.raises(errors.DataError, match="mine"), ALONE.together("work"):
        raise errors.DataError("mine")


def test_what_differs_between_workers_is_named(monkeypatch):
    first = {"--seed": "1", "the names": "[" * 99, "--lr": "0.1"}
    own = first | {"--seed": "5", "the names": "{" * 99}
    heard = []

    def exchange(devices, numbers):
        heard.append(list(numbers))
        return np.array([heard[0], heard[0], heard[-1]])

    monkeypatch.setattr(Devices, "exchange", exchange)
    ALONE.require_equal(first)
    with pytest.raises(errors.ConfigError) as caught:
        ALONE.require_equal(own)
    assert str(caught.value).startswith(
        "Worker 2 and worker 0 differ in --seed (here 5), the names. Start all workers"
    )


# What workers said in real losses: a process killed, one frozen, the first one frozen.
KILLED = (
    "Collective ops is aborted by: recvmsg:Connection reset by peer\nAdditional GRPC "
    "error information from remote target /job:worker/replica:0/task:2 while calling "
    "/tensorflow.WorkerService/RecvBuf:"
)
FROZEN = (
    "Collective ops is aborted by: Error reported from /job:worker/task:0: The "
    "following tasks are unhealthy (stopped sending heartbeats):\n"
    "/job:worker/replica:0/task:1\n/job:worker/replica:0/task:3\nThe tasks have "
    "crashed."
)
NO_ANSWER = (
    "Collective ops is aborted by: Deadline Exceeded\n\nRPC: "
    "/tensorflow.CoordinationService/Heartbeat"
)


@pytest.mark.parametrize(
    ("text", "workers"),
    [(KILLED, [2]), (FROZEN, [1, 3]), (NO_ANSWER, [0]), ("else", [])],
)
def test_the_worker_that_is_gone_is_read_from_the_message(text, workers):
    assert worker_loss.blamed(text) == workers


def test_without_other_workers_nothing_is_explained():
    lost = tf.errors.UnavailableError(None, None, "gone")
    with pytest.raises(tf.errors.UnavailableError), worker_loss.explaining(ALONE):
        raise lost


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Return what TensorFlow's log says from now on."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    tf.get_logger().addHandler(handler)
    yield messages
    tf.get_logger().removeHandler(handler)


class _Own:
    """Has a function of its own, which is traced once, as kft's classes have."""

    __module__ = "kft.training.train_step"

    def step(self, x: tf.Tensor) -> tf.Tensor:
        return x + 1


class _Other:
    """Of a user; TensorFlow counts by the line of code."""

    def step(self, x: tf.Tensor) -> tf.Tensor:
        return x + 2


def _trace(owner: type) -> None:
    for _ in range(8):
        tf.function(owner().step)(tf.constant(1.0))


def test_advice_on_own_functions_is_held_back_and_that_on_others_is_not(
    heard: list[str],
) -> None:
    runtime.start(RuntimeConfig(), seed=0)
    runtime.start(RuntimeConfig(), seed=0)
    _trace(_Own)
    for _ in range(8):
        alone = Devices(tf.distribute.get_strategy())
        alone._sum_function(tf.constant([1.0]))
    assert heard == []
    _trace(_Other)
    assert any("triggered tf.function retracing" in message for message in heard)
