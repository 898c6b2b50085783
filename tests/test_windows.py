"""What stands behind `sys.platform`, with stand-ins for what Windows has.

That nothing else is used there, `mypy --platform=win32` says.
"""

import errno
import importlib.util
import json
import os
import signal
import sys
import types

import pytest

from kft import errors
from kft.run_folder import file_lock, regular_file


@pytest.fixture
def on_windows(monkeypatch):
    """Return a function that imports a module again, as on Windows."""

    def load(module: types.ModuleType, **modules) -> types.ModuleType:
        for name, stand_in in modules.items():
            monkeypatch.setitem(sys.modules, name, stand_in)
        monkeypatch.setattr(sys, "platform", "win32")
        for flag in ("O_BINARY", "O_NOINHERIT"):
            monkeypatch.setattr(os, flag, 0, raising=False)
        for missing in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
            monkeypatch.delattr(os, missing)
        spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
        again = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(again)
        return again

    return load


class _Msvcrt(types.ModuleType):
    """What `msvcrt.locking` does, of one process."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.locked: list[tuple[int, int, int]] = []

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        if self.locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        self.locked.append((place, mode, count))


def test_a_lock_leaves_the_text_of_its_holder_to_be_read(on_windows, tmp_path):
    msvcrt = _Msvcrt()
    module = on_windows(file_lock, msvcrt=msvcrt, fcntl=None)
    with open(tmp_path / "lock", "w+b") as file:
        file.write(json.dumps({"pid": 1}).encode())
        file.flush()
        module.acquire(file.fileno())
        ((place, mode, count),) = msvcrt.locked
        assert (mode, count) == (msvcrt.LK_NBLCK, 1)
        assert place > 1 << 20
        assert (tmp_path / "lock").stat().st_size < 20
        with pytest.raises(BlockingIOError):
            module.acquire(file.fileno())


def test_a_link_is_not_opened_as_ones_own_file(on_windows, tmp_path):
    module = on_windows(regular_file)
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        module.open_own(tmp_path / "link")
    os.close(module.open_own(tmp_path / "own"))
    assert module.read(target) == b"theirs"


def test_the_signals_of_windows_are_listened_to(on_windows, monkeypatch):
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR2, raising=False)
    monkeypatch.delattr(signal, "SIGUSR1")
    module = on_windows(errors)
    assert module.STOP_SIGNALS == (signal.SIGTERM, signal.SIGUSR2)
