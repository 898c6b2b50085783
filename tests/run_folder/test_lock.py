"""One process at a time in a run folder."""

import contextlib
import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kft import errors
from kft.run_folder import lock
from tests.conftest import REPOSITORY

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom kft.run_folder import lock\n"
    "with lock.lock(Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / ".lock"


@contextlib.contextmanager
def _held_elsewhere(lock_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Hold the lock in another process within the block."""
    command = [sys.executable, "-c", HOLD, str(lock_file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_the_second_process_is_refused_at_once_and_told_who_is_first(
    lock_file: Path,
) -> None:
    with _held_elsewhere(lock_file) as holder:
        start = time.perf_counter()
        with pytest.raises(errors.RunDirError) as caught, lock.lock(lock_file):
            pass
        assert time.perf_counter() - start < 10  # the holder sleeps for 60
    message = str(caught.value)
    assert message.startswith(
        f"{lock_file.parent} is in use by process {holder.pid} on "
    )
    assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", message)
    assert sys.executable in message
    assert "--run_dir" in message


def test_a_refusal_leaves_the_holder_in_place(lock_file: Path) -> None:
    with _held_elsewhere(lock_file) as holder:
        for _ in range(2):
            with pytest.raises(errors.RunDirError), lock.lock(lock_file):
                pass
        assert json.loads(lock_file.read_text())["pid"] == holder.pid


def test_the_lock_of_a_killed_process_is_taken_over(lock_file: Path) -> None:
    with _held_elsewhere(lock_file) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert json.loads(lock_file.read_text())["pid"] == holder.pid
        with lock.lock(lock_file):
            assert json.loads(lock_file.read_text())["pid"] == os.getpid()


def test_the_lock_is_given_back_at_the_end_and_after_an_error(lock_file: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.lock(lock_file):
        raise ZeroDivisionError
    with lock.lock(lock_file):
        pass
    assert lock_file.read_text() == ""
    with _held_elsewhere(lock_file):
        pass


def test_one_process_can_not_take_it_twice(lock_file: Path) -> None:
    with (
        lock.lock(lock_file),
        pytest.raises(errors.RunDirError, match=f"in use by process {os.getpid()} on"),
        lock.lock(lock_file),
    ):
        pass


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "\x80", '{"pid": 1}', "[" * 9999]
)
def test_a_damaged_lock_file_is_no_obstacle(lock_file: Path, text: str) -> None:
    lock_file.write_text(text)
    with lock.lock(lock_file):
        assert json.loads(lock_file.read_text())["pid"] == os.getpid()


def test_a_holder_without_a_name_is_another_process(lock_file: Path) -> None:
    with _held_elsewhere(lock_file):
        lock_file.write_text("")
        with (
            pytest.raises(errors.RunDirError, match="in use by another process"),
            lock.lock(lock_file),
        ):
            pass


def test_a_holder_on_another_machine_that_did_not_end_in_order_is_mentioned(
    lock_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    holder = {"pid": 7, "host": "elsewhere", "started": "then", "command": "kft train"}
    lock_file.write_text(json.dumps(holder))
    with caplog.at_level("WARNING", logger="absl"), lock.lock(lock_file):
        pass
    assert "process 7 on elsewhere, since then: kft train" in caplog.text
    assert "locks may not be shared" in caplog.text
    caplog.clear()
    with lock.lock(lock_file):
        pass
    assert caplog.text == ""


def test_a_file_system_without_locks_is_mentioned(
    lock_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    with caplog.at_level("WARNING", logger="absl"), lock.lock(lock_file):
        pass
    assert "has no locks" in caplog.text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(errors.RunDirError, match="the folder is gone"),
        lock.lock(tmp_path / "gone" / ".lock"),
    ):
        pass


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_of_somebody_else_is_not_emptied_through_a_link(
    link, lock_file: Path
) -> None:
    victim = lock_file.with_name("authorized_keys")
    victim.write_text("precious")
    link(victim, lock_file)
    with pytest.raises(errors.RunDirError, match="kft did not put it there. Remove it"):
        lock.lock(lock_file).__enter__()
    assert victim.read_text() == "precious"


def test_a_pipe_in_place_of_the_lock_is_named(lock_file: Path) -> None:
    os.mkfifo(lock_file)
    with (
        pytest.raises(errors.RunDirError, match="it is no regular file"),
        lock.lock(lock_file),
    ):
        pass
