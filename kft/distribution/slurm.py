"""The variables that Slurm gives the processes of a job step, read without Slurm.

The variables and the notation of host lists are those of the srun manual, section
OUTPUT ENVIRONMENT VARIABLES, and of the scontrol manual, `show hostnames`.
"""

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

from kft import errors

# Below the ports that Linux takes for outgoing connections (32768 on). Jobs on one node
# get different ones by their number.
_FIRST_PORT = 12_000
_PORT_BLOCKS = 1_000
_PORTS_PER_JOB = 16
# More than any cluster has: a list may name a billion in a few characters.
_MOST_HOSTS = 65_536
_NAMES = (
    "SLURM_STEP_NUM_TASKS",
    "SLURM_PROCID",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_JOB_ID",
)


def is_step(environ: Mapping[str, str]) -> bool:
    """Return whether srun started this process.

    A batch script has SLURM_NTASKS and SLURM_PROCID as well, but there is one of it.
    """
    return "SLURM_STEP_NUM_TASKS" in environ


def is_outside_step(environ: Mapping[str, str]) -> bool:
    """Return whether a job with several tasks runs this process outside of srun."""
    tasks = environ.get("SLURM_NTASKS", "")
    return not is_step(environ) and bool(re.fullmatch(r"0*(?!1$)[1-9][0-9]*", tasks))


def settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return worker, num_workers and addresses of a job step's process.

    Raises:
        errors.ConfigError: where a variable is missing or malformed, naming it.
    """
    missing = [name for name in _NAMES if not environ.get(name)]
    if missing:
        raise errors.ConfigError(
            f"{', '.join(missing)} of Slurm's variables are missing, though "
            "SLURM_STEP_NUM_TASKS is there. Start with srun and keep its environment."
        )
    tasks = _number("SLURM_STEP_NUM_TASKS", environ)
    worker = _number("SLURM_PROCID", environ)
    hosts = expand_hosts(environ["SLURM_STEP_NODELIST"])
    counts = expand_counts(environ["SLURM_STEP_TASKS_PER_NODE"])
    if len(hosts) != len(counts) or sum(counts) != tasks or worker >= tasks:
        raise errors.ConfigError(
            "Slurm's variables contradict each other: "
            + ", ".join(f"{name}={errors.excerpt(environ[name])}" for name in _NAMES)
            + ". Start with srun and keep its environment."
        )
    if max(counts) > _PORTS_PER_JOB:
        raise errors.ConfigError(
            f"SLURM_STEP_TASKS_PER_NODE: expected at most {_PORTS_PER_JOB} tasks on a "
            f"node, received {max(counts)}. One task per node "
            "can use all of the node's GPUs."
        )
    block = _number("SLURM_JOB_ID", environ) % _PORT_BLOCKS
    first = _FIRST_PORT + block * _PORTS_PER_JOB
    # Slurm numbers the tasks node by node (--distribution=block, its default).
    addresses = [
        f"{host}:{first + local}"
        for host, count in zip(hosts, counts, strict=True)
        for local in range(count)
    ]
    return {"worker": worker, "num_workers": tasks, "addresses": tuple(addresses)}


def _number(name: str, environ: Mapping[str, str]) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", environ[name]):
        received = errors.excerpt(repr(environ[name]))
        raise errors.ConfigError(f"{name}: expected a number, received {received}.")
    return int(environ[name])


def expand_counts(text: str) -> list[int]:
    """Return the tasks of each node: '2(x3),1' gives 2, 2, 2, 1.

    Raises:
        errors.ConfigError: where the text is malformed.
    """
    counts: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,6})(?:\(x([0-9]{1,6})\))?", part.strip())
        nodes = int(match[2] or 1) if match else 0
        if not match or len(counts) + nodes > _MOST_HOSTS:
            raise errors.ConfigError(
                f"SLURM_STEP_TASKS_PER_NODE: expected numbers such as 2(x3),1, of at "
                f"most {_MOST_HOSTS:,} nodes, received {errors.excerpt(repr(text))}."
            )
        counts += [int(match[1])] * nodes
    return counts


def expand_hosts(text: str) -> list[str]:
    """Return the host names of a list: 'a[01-02,7],b' gives a01, a02, a7, b.

    Raises:
        errors.ConfigError: where the text is malformed.
    """
    names = re.findall(r"(?:[^,\[\]]|\[[^\[\]]*\])+", text)
    if not names or ",".join(names) != text:
        raise _bad_hosts(text)
    hosts: list[str] = []
    for name in names:
        hosts += _expand_host(name, text)
        if len(hosts) > _MOST_HOSTS:
            raise _bad_hosts(text)
    return hosts


def _expand_host(name: str, text: str) -> list[str]:
    """Return the hosts of one name with any number of bracketed parts."""
    parts = re.split(r"\[([^\[\]]*)\]", name)
    choices = [
        _expand_numbers(part, text) if rank % 2 else [part]
        for rank, part in enumerate(parts)
    ]
    if math.prod(map(len, choices)) > _MOST_HOSTS:
        raise _bad_hosts(text)
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def _expand_numbers(ranges: str, text: str) -> list[str]:
    """Return '01', '02', '7' for '01-02,7'."""
    names: list[str] = []
    for part in ranges.split(","):
        match = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", part)
        if not match:
            raise _bad_hosts(text)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or len(names) + last - first >= _MOST_HOSTS:
            raise _bad_hosts(text)
        width = len(match[1])
        names += [f"{number:0{width}d}" for number in range(first, last + 1)]
    return names


def _bad_hosts(text: str) -> errors.ConfigError:
    return errors.ConfigError(
        "SLURM_STEP_NODELIST: expected host names such as node[01-03],login1, at most "
        f"{_MOST_HOSTS:,}, received {errors.excerpt(repr(text))}."
    )
