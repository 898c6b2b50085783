"""Workers that know only where the first of them is find each other over TCP."""

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kft import errors
from kft.distribution import calls, rendezvous
from kft.distribution.cluster import Cluster

NINTH = b'{"worker": 9, "num_workers": 2}\n'


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def member(worker: int, port: int, *, num_workers: int = 3) -> Cluster:
    return Cluster(
        worker, num_workers, "--coordinator", coordinator=f"localhost:{port}"
    )


def meet(members: list[Cluster], seconds: float = 10.0) -> list:
    """Return for each member the addresses, or the error."""

    def one(cluster: Cluster):
        try:
            return rendezvous.meet(cluster, seconds=seconds)
        except errors.ConfigError as error:
            return error

    with ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(one, members))


def test_all_get_the_same_addresses_in_the_order_of_their_ranks(port):
    answers = meet([member(worker, port) for worker in (2, 0, 1)])
    assert len(set(answers)) == 1
    first, *others = answers[0]
    assert first == f"localhost:{port}"
    assert [rendezvous.split_address(a)[1] for a in others] == [port + 1, port + 2]


def test_a_worker_that_stays_away_is_named(port):
    chief, other = meet([member(0, port), member(2, port)], seconds=1.0)
    assert "Worker 1 did not call" in str(chief)
    assert isinstance(other, errors.ConfigError)


def test_a_chief_that_stays_away_is_named(port):
    (answer,) = meet([member(1, port)], seconds=0.5)
    assert f"Worker 0 did not answer at --coordinator=localhost:{port}" in str(answer)


def test_two_workers_with_one_rank_are_told_so(port):
    answers = meet([member(0, port), member(1, port), member(1, port)], seconds=2.0)
    assert "two processes have --worker_index=1" in str(answers[0])
    assert "two processes have --worker_index=1" in "".join(map(str, answers[1:]))


def test_workers_have_to_agree_on_how_many_they_are(port):
    answers = meet([member(0, port), member(1, port, num_workers=2)], seconds=2.0)
    for answer in answers:
        assert "worker 1 has --num_workers=2, worker 0 has --num_workers=3" in str(
            answer
        )


def test_a_stranger_does_not_count(port):
    with ThreadPoolExecutor(1) as pool:
        chief = pool.submit(rendezvous.meet, member(0, port, num_workers=2))
        for said in (b"GET / HTTP/1.0\r\n\r\n", b"[1]\n", b'{"worker": 9}\n', NINTH):
            call = _call(port)
            call.sendall(said)
            call.close()
        rendezvous.meet(member(1, port, num_workers=2), seconds=10.0)
        assert len(chief.result()) == 2


STRANGERS = {
    "http": b"GET / HTTP/1.0\r\n\r\n",
    "infinite": b'{"worker": 1e999, "num_workers": 2}\n',
    "not a number": b'{"worker": NaN, "num_workers": NaN}\n',
    "true": b'{"worker": true, "num_workers": 2}\n',
    "text": b'{"worker": "1", "num_workers": "2"}\n',
    "half": b'{"worker": 1.0, "num_workers": 2}\n',
    "deep": b"[" * 100_000 + b"\n",
    "shallow": b"[" * 1_000 + b"\n",
    "many digits": b'{"worker": ' + b"9" * 5_000 + b"}\n",
    "binary": bytes(range(256)) * 100 + b"\n",
    "endless": b"x" * (1 << 20),
    "null": b"null\n",
    "many": b'{"worker": 1, "num_workers": 99999999}\n',
    "nothing": b"",
}


@pytest.mark.parametrize("said", STRANGERS.values(), ids=STRANGERS)
def test_whatever_strangers_say_the_workers_meet(said, port):
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        chief = pool.submit(rendezvous.meet, member(0, port, num_workers=2))
        call = stack.enter_context(_call(port))
        # The chief may have hung up before all of it is sent.
        with contextlib.suppress(OSError):
            call.sendall(said)
        assert len(rendezvous.meet(member(1, port, num_workers=2), seconds=10.0)) == 2
        assert len(chief.result(10.0)) == 2


def test_strangers_that_say_nothing_hold_nobody_up(port):
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        chief = pool.submit(rendezvous.meet, member(0, port, num_workers=2))
        for _ in range(calls.MOST_CALLS + 20):
            stack.enter_context(_call(port))
        begun = time.monotonic()
        rendezvous.meet(member(1, port, num_workers=2), seconds=10.0)
        assert len(chief.result(10.0)) == 2
        assert time.monotonic() - begun < 5.0


def test_a_byte_at_a_time_does_not_move_the_deadline(port):
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        chief = pool.submit(rendezvous.meet, member(0, port), seconds=1.5)
        with _call(port) as call:
            for _ in range(8):
                with contextlib.suppress(OSError):
                    call.sendall(b" ")
                time.sleep(0.2)
        with pytest.raises(errors.ConfigError, match="Workers 1, 2 did not call"):
            chief.result(10.0)
    assert time.monotonic() - begun < 5.0


def test_a_worker_that_was_started_again_is_one_worker(port):
    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(rendezvous.meet, member(0, port), seconds=10.0)
        with _call(port) as call:
            call.sendall(b'{"worker": 1, "num_workers": 3}\n')
        others = [
            pool.submit(rendezvous.meet, member(worker, port), seconds=10.0)
            for worker in (1, 2)
        ]
        assert {chief.result(10.0), *(other.result(10.0) for other in others)} == {
            chief.result()
        }


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"[" * 100_000 + b"\n",
        b'{"addresses": 5}\n',
        b'{"addresses": ["a:1"]}\n',
        b'{"addresses": ["a:1", 7, "c:1"]}\n',
        b'{"addresses": ["a:1", "b", "c:1"]}\n',
        b'{"error": 5}\n',
        b"",
    ],
)
def test_an_answer_that_is_none_of_worker_0_is_not_believed(answer):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        port = server.getsockname()[1]
        asked = pool.submit(rendezvous.meet, member(1, port), seconds=0.5)
        call, _ = server.accept()
        call.recv(1_000)
        with contextlib.suppress(OSError):
            call.sendall(answer)
        call.close()
        server.close()
        with pytest.raises(errors.ConfigError, match="Worker 0 did not answer"):
            asked.result(10.0)


def _call(port: int) -> socket.socket:
    while True:
        try:
            return socket.create_connection(("localhost", port), timeout=5.0)
        except ConnectionRefusedError:
            continue


def test_a_port_that_is_taken_is_named(port):
    with socket.create_server(("", port)):
        (answer,) = meet([member(0, port)], seconds=1.0)
    assert f"worker 0 cannot listen at port {port}" in str(answer)


def test_who_does_not_take_connections_is_silent(port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"127.0.0.1:{server.getsockname()[1]}"
        assert rendezvous.silent([there, f"127.0.0.1:{port}", there]) == [1]


@pytest.mark.parametrize(
    ("text", "parts"), [("a.b:1", ("a.b", 1)), ("[::1]:22", ("::1", 22))]
)
def test_addresses_split_and_join(text, parts):
    assert rendezvous.split_address(text) == parts
    assert rendezvous.join_address(*parts) == text
