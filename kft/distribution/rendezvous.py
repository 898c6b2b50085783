"""Plain TCP between the workers: how they meet, and who does not answer any more."""

import contextlib
import json
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from kft import errors
from kft.distribution.cluster import Cluster

_MAX_LINE = 1 << 20


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
    addresses = {0: cluster.meeting_point}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listen(cluster, port))
        calls: list[socket.socket] = []
        while len(addresses) < cluster.num_workers:
            server.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                call, (host, *_) = server.accept()
            except TimeoutError:
                missing = sorted(set(range(cluster.num_workers)) - addresses.keys())
                raise errors.ConfigError(
                    f"{_workers(missing)} did not call at "
                    f"--coordinator={cluster.coordinator} in time. Start every worker "
                    "with the same --coordinator and --num_workers."
                ) from None
            stack.enter_context(call)
            worker = _hello(call, cluster)
            if worker is None:
                continue
            if worker in addresses:
                problem = f"two processes have --worker_index={worker}."
                _send(call, {"error": problem})
                for other in calls:
                    _send(other, {"error": problem})
                raise errors.ConfigError(f"At {cluster.coordinator}, {problem}")
            # How a socket for both writes an IPv4 address.
            host = host.removeprefix("::ffff:")
            addresses[worker] = join_address(host, port + worker)
            calls.append(call)
        ordered = tuple(addresses[i] for i in range(cluster.num_workers))
        for call in calls:
            _send(call, {"addresses": ordered})
    return ordered


def _listen(cluster: Cluster, port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port),
            family=socket.AF_INET6 if both else socket.AF_INET,
            backlog=cluster.num_workers,
            dualstack_ipv6=both,
        )
    except OSError as error:
        raise errors.ConfigError(
            f"--coordinator={cluster.coordinator}: worker 0 cannot listen at port "
            f"{port} ({error.strerror}). Choose another port."
        ) from error


def _hello(call: socket.socket, cluster: Cluster) -> int | None:
    """Return the rank of a caller; None for one that is no worker of this cluster."""
    call.settimeout(10.0)
    try:
        said = json.loads(_line(call))
        worker, num_workers = int(said["worker"]), int(said["num_workers"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not 0 <= worker < num_workers:
        return None
    if num_workers != cluster.num_workers:
        problem = (
            f"worker {worker} has --num_workers={num_workers}, worker 0 has "
            f"--num_workers={cluster.num_workers}."
        )
        _send(call, {"error": problem})
        raise errors.ConfigError(f"At {cluster.coordinator}, {problem}")
    return worker


def _call(cluster: Cluster, deadline: float) -> tuple[str, ...]:
    """Call the first worker until it answers."""
    hello = {"worker": cluster.worker, "num_workers": cluster.num_workers}
    said_so = False
    while time.monotonic() < deadline:
        try:
            call = socket.create_connection(
                split_address(cluster.meeting_point), timeout=10.0
            )
        except OSError as error:
            if not said_so:
                logging.info(
                    "Waiting for worker 0 at %s (%s).", cluster.coordinator, error
                )
                said_so = True
            time.sleep(0.2)
            continue
        with call:
            call.settimeout(max(deadline - time.monotonic(), 0.001))
            _send(call, hello)
            answer = _answer(call)
        if "error" in answer:
            raise errors.ConfigError(f"At {cluster.coordinator}, {answer['error']}")
        if "addresses" in answer:
            return tuple(answer["addresses"])
        time.sleep(0.2)
    raise errors.ConfigError(
        f"Worker 0 did not answer at --coordinator={cluster.coordinator} in time. "
        "Start it with --worker_index=0 and the same --coordinator, and let the port "
        "through."
    )


def _answer(call: socket.socket) -> dict[str, Any]:
    try:
        answer = json.loads(_line(call))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _send(call: socket.socket, message: Mapping[str, Any]) -> None:
    # Who hung up notices that no answer comes.
    with contextlib.suppress(OSError):
        call.sendall(json.dumps(message).encode() + b"\n")


def _line(call: socket.socket) -> bytes:
    with call.makefile("rb") as file:
        return file.readline(_MAX_LINE)


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
