"""Plain TCP between the workers: how they meet, and who does not answer any more."""

import contextlib
import json
import socket
import time
from collections.abc import Collection, Sequence
from typing import Any, TypeGuard

from absl import logging

from kft import errors
from kft.distribution.calls import MOST_CALLS, Call, Calls, encode
from kft.distribution.cluster import Cluster, is_address

# What a stranger cannot make this process hold.
_MOST_WORKERS = 65_536
_MOST_ANSWER_BYTES = 1 << 24


def meet(cluster: Cluster, *, seconds: float = 600.0) -> tuple[str, ...]:
    """Return the address of every worker; the first worker tells the others.

    Worker i of a coordinator HOST:PORT listens to the others at PORT + i on its own
    host, whose name is the one from which it called.

    Args:
        cluster: with a coordinator.
        seconds: how long to wait for the others.

    Raises:
        errors.ConfigError: where they do not all come, or do not agree on how many and
            who they are.
    """
    deadline = time.monotonic() + seconds
    if cluster.is_chief:
        return _receive(cluster, deadline)
    return _call(cluster, deadline)


def _receive(cluster: Cluster, deadline: float) -> tuple[str, ...]:
    """Wait for all other workers at the coordinator's port and answer them."""
    _, port = split_address(cluster.meeting_point)
    # The coordinator is that of worker 0; the others are known by their hosts.
    hosts: dict[int, str] = {}
    called: set[int] = set()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listen(cluster, port))
        calls = stack.enter_context(Calls(server))
        while len(hosts) < cluster.num_workers - 1:
            if time.monotonic() > deadline:
                raise _absent(cluster, called, hosts)
            for call in calls.ready(deadline):
                _welcome(call, cluster, calls)
            hosts = {
                call.worker: call.host for call in calls if call.worker is not None
            }
            called |= hosts.keys()
        addresses = [cluster.meeting_point] + [
            join_address(hosts[worker], port + worker)
            for worker in range(1, cluster.num_workers)
        ]
        calls.answer({"addresses": addresses})
    return tuple(addresses)


def _absent(
    cluster: Cluster, called: Collection[int], hosts: Collection[int]
) -> errors.ConfigError:
    """Return an error that names the workers that never called, or else hung up."""
    others = range(1, cluster.num_workers)
    missing = [worker for worker in others if worker not in called]
    did = "did not call"
    if not missing:
        missing = [worker for worker in others if worker not in hosts]
        did = "hung up before all had called"
    return errors.ConfigError(
        f"{_workers(missing)} {did} at --coordinator={cluster.coordinator} in time. "
        "Start every worker with the same --coordinator and --num_workers."
    )


def _welcome(call: Call, cluster: Cluster, calls: Calls) -> None:
    """Take what a caller says of itself; hang up on one that is no worker of these.

    Raises:
        errors.ConfigError: where it is a worker that was started otherwise.
    """
    said = _message(call.line)
    worker, num_workers = said.get("worker"), said.get("num_workers")
    # True is an int, too.
    if type(worker) is not int or type(num_workers) is not int:
        calls.hang_up(call)
        return
    if not 0 < worker < num_workers <= _MOST_WORKERS:
        calls.hang_up(call)
        return
    problem = None
    if num_workers != cluster.num_workers:
        problem = (
            f"worker {worker} has --num_workers={num_workers}, worker 0 has "
            f"--num_workers={cluster.num_workers}."
        )
    elif any(other.worker == worker for other in calls):
        problem = f"two processes have --worker_index={worker}."
    call.worker = worker
    if problem:
        calls.answer({"error": problem})
        raise errors.ConfigError(f"At {cluster.coordinator}, {problem}")


def _listen(cluster: Cluster, port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port),
            family=socket.AF_INET6 if both else socket.AF_INET,
            backlog=MOST_CALLS,
            dualstack_ipv6=both,
        )
    except OSError as error:
        raise errors.ConfigError(
            f"--coordinator={cluster.coordinator}: worker 0 cannot listen at port "
            f"{port} ({error.strerror}). Choose another port."
        ) from error


def _call(cluster: Cluster, deadline: float) -> tuple[str, ...]:
    """Call the first worker until it answers."""
    said_so = False
    while time.monotonic() < deadline:
        try:
            answer = _ask(cluster, deadline)
        except OSError as error:
            if not said_so:
                logging.info(
                    "Waiting for worker 0 at %s (%s).", cluster.coordinator, error
                )
                said_so = True
            answer = {}
        problem, addresses = answer.get("error"), answer.get("addresses")
        if isinstance(problem, str):
            raise errors.ConfigError(
                f"At {cluster.coordinator}, {errors.excerpt(problem)}"
            )
        if _are_addresses(addresses, cluster.num_workers):
            return tuple(addresses)
        time.sleep(0.2)
    raise errors.ConfigError(
        f"Worker 0 did not answer at --coordinator={cluster.coordinator} in time. "
        "Start it with --worker_index=0 and the same --coordinator, and let the port "
        "through."
    )


def _ask(cluster: Cluster, deadline: float) -> dict[str, Any]:
    """Return what is answered at the coordinator's port; nothing where it is not JSON.

    Raises:
        OSError: where nobody answers there, up to the deadline.
    """
    hello = {"worker": cluster.worker, "num_workers": cluster.num_workers}
    left = max(deadline - time.monotonic(), 0.001)
    place = split_address(cluster.meeting_point)
    with socket.create_connection(place, timeout=min(left, 10.0)) as call:
        call.sendall(encode(hello))
        said = b""
        while not said.endswith(b"\n") and len(said) < _MOST_ANSWER_BYTES:
            # Of all that it sends, not of each byte.
            call.settimeout(max(deadline - time.monotonic(), 0.001))
            more = call.recv(4_096)
            if not more:
                break
            said += more
    return _message(said)


def _message(line: bytes) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _are_addresses(value: Any, count: int) -> TypeGuard[list[str]]:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(is_address(address) for address in value)
    )


def silent(addresses: Sequence[str], *, seconds: float = 2.0) -> list[int]:
    """Return which workers do not take connections."""
    silent_workers = []
    for worker, address in enumerate(addresses):
        try:
            socket.create_connection(split_address(address), timeout=seconds).close()
        except OSError:
            silent_workers.append(worker)
    return silent_workers


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; an IPv6 host stands in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def join_address(host: str, port: int) -> str:
    """Return HOST:PORT; an IPv6 host is put in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _workers(ranks: Sequence[int]) -> str:
    names = ", ".join(map(str, ranks))
    return f"Worker {names}" if len(ranks) == 1 else f"Workers {names}"
