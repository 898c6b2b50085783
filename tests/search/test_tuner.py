"""A chief and its workers over loopback, in one process; the trials are played."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kft import errors
from kft.config import TuneConfig
from kft.search import oracles, parallel, parse_space, tuner
from kft.search.parallel import Role
from kft.search.trial_records import Record
from kft.tasks.class_objective import ACCURACY
from tests.training.workers.conftest import free_ports

# Servers of gRPC 1.x crashed once in a process that had loaded most of what there is
# (add_insecure_port): they begin, in a young process.
pytestmark = pytest.mark.integration

CONFIG = TuneConfig(
    stages="head:3@0.0123456", space=None, tuner="random", trials=4, batch_size=16
)
SPACE = parse_space.parse_space(None, CONFIG.train_config())
RATE = SPACE[0].name


class Search:
    """A search at an address, with what each worker ran.

    Attributes:
        state: file of the oracle.
        ran: (worker, trial, rate) in the order of their ends.
    """

    def __init__(self, state: Path, ip: str, port: int, monkeypatch) -> None:
        self.state, self.ran = state, []
        self._ip, self._port, self._monkeypatch = ip, port, monkeypatch
        self._ended = threading.Event()
        self.failure: Exception | None = None

    def _role(self, kind: str, name: str) -> Role:
        return Role(kind, name, self._ip, self._port)

    def chief(self) -> threading.Thread:
        """Start the chief; it may be stopped with `stop`."""

        def serve() -> None:
            def check() -> None:
                if self._ended.is_set():
                    raise errors.TrainingError("stopped")

            try:
                self._search(self._role("chief", "chief"), None, check)
            except errors.KftError as error:
                self.failure = error

        self._ended.clear()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return thread

    def stop(self, chief: threading.Thread) -> None:
        """Stop the chief as a signal would."""
        self._ended.set()
        chief.join(20)
        assert not chief.is_alive()

    def worker(self, name: str, before: Callable[[int], None] = lambda n: None) -> None:
        """Run trials as a worker until there are no more."""

        def run(number: int, values, share: float) -> Record:
            before(number)
            self.ran.append((name, number, values[RATE]))
            found = {"accuracy": 0.5, "loss": 1.0}
            return Record(number, "finished", dict(values), share, found, {}, 3, 0.0)

        self._monkeypatch.setenv(parallel.ID, name)
        self._monkeypatch.setenv(parallel.PORT, str(self._port))
        self._monkeypatch.setenv(parallel.IP, "")
        self._search(self._role("worker", name), run, lambda: None)

    def _search(self, role: Role, run, check) -> None:
        tuner.search(
            oracles.build(CONFIG, SPACE, ACCURACY),
            CONFIG,
            state=self.state,
            role=role,
            run_trial=run,
            check=check,
        )


@pytest.fixture(params=["127.0.0.1", "::1"])
def search(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Search:
    """Return a search with an address of its own, on each loopback."""
    if request.param == "::1":
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
    # Seconds, not minutes, where something does not answer.
    monkeypatch.setattr(tuner, "_CHIEF_SECONDS", 20)
    (port,) = free_ports(1)
    return Search(tmp_path / "oracle.json", request.param, port, monkeypatch)


def test_chief_and_worker_end_together_and_late_ones_have_nothing_to_do(
    search: Search,
) -> None:
    chief = search.chief()
    search.worker("worker0")
    chief.join(20)
    assert not chief.is_alive() and search.failure is None
    assert [(name, number) for name, number, _ in search.ran] == [
        ("worker0", number) for number in range(4)
    ]
    # The settings as they are come first, with all their digits.
    assert search.ran[0][2] == 0.0123456
    assert all(float(f"{rate:.3g}") == rate for *_, rate in search.ran[1:])
    # Both know without asking.
    search.worker("worker1")
    again = search.chief()
    again.join(20)
    assert not again.is_alive() and search.failure is None
    assert len(search.ran) == 4


def test_a_restarted_chief_leaves_a_trial_to_the_worker_that_runs_it(
    search: Search,
) -> None:
    class Killed(Exception):
        """Ends a worker in the middle of a trial."""

    def kill(number: int) -> None:
        raise Killed

    chief = search.chief()
    with pytest.raises(Killed):
        search.worker("worker0", before=kill)
    search.stop(chief)
    search.failure = None
    chief = search.chief()
    # Waits for the trial of worker0 too, which therefore goes on meanwhile.
    other = threading.Thread(target=search.worker, args=("worker1",), daemon=True)
    other.start()
    other.join(20)
    assert [number for _, number, _ in search.ran] == [1, 2, 3]
    search.worker("worker0")
    chief.join(20)
    assert not chief.is_alive() and search.failure is None
    assert search.ran[-1][:2] == ("worker0", 0)


def test_a_chief_that_can_not_write_stops_and_its_workers_say_why(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise errors.RunDirError("No space left on the disk.")

    monkeypatch.setattr(oracles.atomic_files, "write", full)
    chief = search.chief()
    with pytest.raises(errors.TrainingError, match="No space left on the disk"):
        search.worker("worker0")
    chief.join(20)
    assert str(search.failure) == "No space left on the disk."


def test_the_chief_says_whom_it_waits_for(tmp_path: Path) -> None:
    oracle = oracles.build(CONFIG, SPACE, ACCURACY)
    oracle.keep_in(tmp_path / "oracle.json", None, "chief")
    assert "waits for workers" in tuner._whom_it_waits_for(oracle)
    oracle.create_trial("worker0")
    assert "waits for worker0 (trial 0)." in tuner._whom_it_waits_for(oracle)
    assert (tmp_path / "oracle.json").exists()
