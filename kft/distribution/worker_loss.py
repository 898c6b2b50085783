"""Plain words for what TensorFlow raises where another worker is gone."""

import contextlib
import re
import time
from collections.abc import Iterator

import tensorflow as tf

from kft import errors
from kft.distribution import rendezvous
from kft.distribution.replicas import Devices

# What the workers that are well see where another one fails (TensorFlow 2.21).
WORKER_LOSS_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
)
# How long a worker that notices a loss still takes the calls of the others, in seconds:
# they tell by that who is gone.
_LINGER = 3.0


@contextlib.contextmanager
def explaining(devices: Devices) -> Iterator[None]:
    """Name the worker that is gone, where one is.

    TensorFlow ends a collective operation at once where a process of a living machine
    ends, and after 10 seconds without a heartbeat.

    Raises:
        errors.WorkerLostError: naming the worker.
    """
    try:
        yield
    except WORKER_LOSS_ERRORS as error:
        if devices.num_workers == 1:
            raise
        silent = rendezvous.silent(devices.addresses)
        lost = silent or blamed(str(error))
        names = [f"worker {worker} ({devices.addresses[worker]})" for worker in lost]
        time.sleep(_LINGER)
        raise errors.WorkerLostError(" and ".join(names) or "a worker") from error


def blamed(text: str) -> list[int]:
    """Return which workers a message of TensorFlow 2.21 holds responsible."""
    reason = text.partition("unhealthy")[2] or text.partition("remote target")[2]
    named = re.findall(r"/job:worker/replica:0/task:(\d+)", reason)
    if named:
        return sorted(set(map(int, named)))
    # The first worker collects the heartbeats.
    return [0] if "CoordinationService/Heartbeat" in text else []
