"""The workers of a run, from flags, TF_CONFIG or Slurm, before TensorFlow starts."""

import collections
import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from kft import errors
from kft.config import RuntimeConfig
from kft.distribution import slurm

_FLAGS = ("coordinator", "num_workers", "worker_index")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\s\[\]/]+):([0-9]{1,5})")
_INDEX = re.compile(r"[0-9]{1,9}")
_DEVICES = re.compile(r"(?:(cpu|gpu)(?::(\d+))?|(\d+))")
# TF_CONFIG's names for workers; the first of these that is there leads. `master` is
# what TFJobs called the chief before Kubeflow 1.0.
_CHIEFS = ("chief", "master")
_REFUSED = {
    "ps": "parameter servers: kft updates the weights in step on all workers, so that "
    "the result is that of one device. Make the ps tasks workers.",
    "evaluator": "evaluator tasks: all workers validate together after every epoch. "
    "Remove the evaluator.",
}


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes that train together, from the point of view of one.

    Attributes:
        worker: rank of this process; 0 is the chief.
        num_workers: processes that train together, more than one.
        source: where this was read, as messages call it.
        addresses: HOST:PORT of each worker; None until they have met.
        coordinator: HOST:PORT at which they meet, where the addresses are not known.
    """

    worker: int
    num_workers: int
    source: str
    addresses: tuple[str, ...] | None = None
    coordinator: str | None = None

    @property
    def meeting_point(self) -> str:
        """Return HOST:PORT at which the workers meet.

        Raises:
            ValueError: where nobody meets, because the addresses are known.
        """
        if self.coordinator is None:
            raise ValueError(f"{self.source} gives the addresses of all workers")
        return self.coordinator

    @property
    def is_chief(self) -> bool:
        """Return whether this process writes the run folder."""
        return self.worker == 0


def find(config: RuntimeConfig, environ: Mapping[str, str]) -> Cluster | None:
    """Return the cluster that this process belongs to; None where it is alone.

    Flags come before TF_CONFIG, and TF_CONFIG before Slurm.

    Args:
        config: strategy, coordinator, num_workers and worker_index.
        environ: the environment of this process.

    Raises:
        errors.ConfigError: for settings that are malformed, half given or refused.
    """
    given = [name for name in _FLAGS if getattr(config, name) is not None]
    if config.strategy not in ("auto", "multi_worker"):
        if given:
            raise errors.ConfigError(
                f"--{given[0]} belongs to --strategy=multi_worker, received "
                f"--strategy={config.strategy}."
            )
        return None
    cluster = None
    if given:
        cluster = _from_flags(config, given)
    elif environ.get("TF_CONFIG", "").strip():
        cluster = _from_tf_config(environ["TF_CONFIG"])
    elif slurm.is_step(environ):
        cluster = Cluster(**slurm.settings(environ), source="SLURM_*")
    elif config.strategy == "multi_worker":
        raise errors.ConfigError(
            "--strategy=multi_worker: expected to be told who takes part, by "
            "TF_CONFIG, by Slurm (start with srun), or by --coordinator=HOST:PORT "
            "--num_workers=N --worker_index=I; received none of them."
        )
    return cluster if cluster and cluster.num_workers > 1 else None


def _from_flags(config: RuntimeConfig, given: list[str]) -> Cluster:
    coordinator = config.coordinator
    worker, num_workers = config.worker_index, config.num_workers
    if coordinator is None or worker is None or num_workers is None:
        missing = [f"--{name}" for name in _FLAGS if name not in given]
        raise errors.ConfigError(
            f"--{given[0]} needs {' and '.join(missing)} too: each worker has to know "
            "where the first one is, how many there are, and which one it is."
        )
    problem = _address_problem(coordinator)
    if problem:
        raise errors.ConfigError(f"--coordinator: {problem}")
    if worker >= num_workers:
        raise errors.ConfigError(
            f"--worker_index counts from 0: expected at most {num_workers - 1} "
            f"with --num_workers={num_workers}, received {worker}."
        )
    return Cluster(
        worker=worker,
        num_workers=num_workers,
        source="--coordinator",
        coordinator=coordinator,
    )


def is_address(value: Any) -> bool:
    """Return whether a value is HOST:PORT, an IPv6 host in brackets."""
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return match is not None and 0 < int(match[2]) < 65536


def _address_problem(value: Any) -> str | None:
    if is_address(value):
        return None
    return f"expected HOST:PORT with a port from 1 to 65535, received {_show(value)}."


def _from_tf_config(text: str) -> Cluster | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = _show(str(error))
        raise errors.ConfigError(f"TF_CONFIG is not JSON: {problem}.") from error
    if not isinstance(content, dict):
        raise _bad_tf_config("a JSON object", content)
    jobs = content.get("cluster")
    if not jobs:
        # Managed services set a TF_CONFIG without a cluster for a single machine.
        return None
    addresses = _addresses(jobs)
    kind, index = _task(content.get("task"))
    if kind not in jobs:
        raise _bad_tf_config(f"a task type among {', '.join(jobs)}", kind)
    if index >= len(jobs[kind]):
        raise _bad_tf_config(f"a task index below {len(jobs[kind])}", index)
    worker = addresses.index(jobs[kind][index])
    return Cluster(worker, len(addresses), "TF_CONFIG", tuple(addresses))


def _addresses(jobs: Any) -> list[str]:
    """Return the addresses of all workers, the chief first."""
    if not isinstance(jobs, dict):
        raise _bad_tf_config('"cluster" to be an object', jobs)
    for name in jobs:
        if name in _REFUSED:
            raise errors.ConfigError(f"TF_CONFIG has {_REFUSED[name]}")
        if name not in (*_CHIEFS, "worker"):
            raise _bad_tf_config("tasks named chief or worker", name)
    for name, addresses in jobs.items():
        if not isinstance(addresses, list) or not addresses:
            raise _bad_tf_config(f'a list of addresses as "{name}"', addresses)
        for address in addresses:
            problem = _address_problem(address)
            if problem:
                raise errors.ConfigError(f'TF_CONFIG, "{name}": {problem}')
    chiefs = [address for name in _CHIEFS for address in jobs.get(name, [])]
    if len(chiefs) > 1:
        raise _bad_tf_config("one chief", ", ".join(chiefs))
    addresses = [*chiefs, *jobs.get("worker", [])]
    (often, count), *_ = collections.Counter(addresses).most_common(1)
    if count > 1:
        raise _bad_tf_config("an address for each task", f"{often} twice")
    return addresses


def _task(task: Any) -> tuple[str, int]:
    if not isinstance(task, dict) or not {"type", "index"} <= task.keys():
        raise _bad_tf_config('"task" with "type" and "index", for this process', task)
    if not isinstance(task["type"], str):
        raise _bad_tf_config("a task type that is a word", task["type"])
    if task["type"] in _REFUSED:
        raise errors.ConfigError(f"TF_CONFIG has {_REFUSED[task['type']]}")
    # Some launchers write the index as text.
    if not _INDEX.fullmatch(str(task["index"])):
        raise _bad_tf_config("a task index from 0", task["index"])
    return task["type"], int(task["index"])


def _bad_tf_config(expected: str, received: Any) -> errors.ConfigError:
    return errors.ConfigError(
        f"TF_CONFIG: expected {expected}, received {_show(received)}. It looks like "
        '{"cluster": {"worker": ["HOST:PORT", ...]}, '
        '"task": {"type": "worker", "index": 0}}.'
    )


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return errors.excerpt(text)


@dataclasses.dataclass(frozen=True)
class DeviceRequest:
    """What `--devices` asks for.

    Attributes:
        kind: cpu or gpu; None: GPUs where there are any.
        count: None for all GPUs, or one CPU.
    """

    kind: Literal["cpu", "gpu"] | None
    count: int | None


def parse_devices(text: str | None) -> DeviceRequest:
    """Return what `--devices` asks for.

    Raises:
        errors.ConfigError: where it is none of N, gpu, gpu:N, cpu and cpu:N.
    """
    if text is None:
        return DeviceRequest(None, None)
    match = _DEVICES.fullmatch(text.lower())
    count = (match[2] or match[3]) if match else None
    if not match or (count is not None and not int(count)):
        raise errors.ConfigError(
            "--devices: expected a number of GPUs such as 2 or gpu:2, or cpu or cpu:N "
            f"for N logical CPUs, received {text!r}."
        )
    kind: Literal["cpu", "gpu"] = "cpu" if match[1] == "cpu" else "gpu"
    return DeviceRequest(kind, int(count) if count else None)


def known_replicas(config: RuntimeConfig, cluster: Cluster | None) -> int | None:
    """Return how many devices share a batch, None where only TensorFlow knows."""
    request = parse_devices(config.devices)
    workers = cluster.num_workers if cluster else 1
    if config.strategy == "single":
        return 1
    if request.kind == "cpu":
        return workers * (request.count or 1)
    return workers * request.count if request.count else None
