"""Files that are whole or absent."""

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kft import errors
from kft.run_folder import atomic_files

OLD, NEW = b"old" * 1000, b"new" * 100_000
_ADVICE = "What was saved before is intact."


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a file that holds OLD."""
    path = tmp_path / "state.bin"
    path.write_bytes(OLD)
    return path


@contextlib.contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    """Let this process write at most `size` bytes into any file."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _only(path: Path) -> bool:
    return list(path.parent.iterdir()) == [path]


def test_nothing_is_written_through_a_link(target: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.bin"
    link.symlink_to(target)
    atomic_files.write(link, NEW)
    assert target.read_bytes() == OLD
    assert (link.is_symlink(), link.read_bytes()) == (False, NEW)


def test_the_new_content_is_there_and_nothing_else(target: Path) -> None:
    atomic_files.write(target, NEW)
    assert target.read_bytes() == NEW
    assert _only(target)


def test_until_the_block_ends_the_old_content_is_there(target: Path) -> None:
    with atomic_files.replacing(target) as temporary:
        temporary.write_bytes(NEW)
        assert target.read_bytes() == OLD
        assert temporary.parent == target.parent
        assert temporary.suffix == target.suffix
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_old_content(
    target: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), atomic_files.replacing(target) as temporary:
        temporary.write_bytes(NEW)
        raise error
    assert target.read_bytes() == OLD
    assert _only(target)


def test_a_full_disk_leaves_the_old_content(target: Path) -> None:
    with (
        _file_size_limit(len(NEW) // 2),
        pytest.raises(
            errors.RunDirError, match="limit on the size of a file"
        ) as caught,
    ):
        atomic_files.write(target, NEW)
    assert _ADVICE in str(caught.value)
    assert str(target) in str(caught.value)
    assert target.read_bytes() == OLD
    assert _only(target)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 64 KiB, or skip where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted: {error}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_without_room_leaves_the_old_content(small_disk: Path) -> None:
    target = small_disk / "state.bin"
    atomic_files.write(target, OLD)
    with pytest.raises(errors.RunDirError, match="no space left on the device. What"):
        atomic_files.write(target, NEW)
    assert target.read_bytes() == OLD
    assert _only(target)


def test_a_read_only_disk_leaves_the_old_content(small_disk: Path) -> None:
    target = small_disk / "state.bin"
    atomic_files.write(target, OLD)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True, capture_output=True)
    with pytest.raises(errors.RunDirError, match="the file system is read-only"):
        atomic_files.write(target, NEW)
    assert target.read_bytes() == OLD


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    target = tmp_path / "gone" / "state.bin"
    with pytest.raises(errors.RunDirError, match="the folder is gone") as caught:
        atomic_files.write(target, NEW)
    assert _ADVICE not in str(caught.value)
    assert not target.parent.exists()


def test_a_folder_that_goes_while_it_is_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        pytest.raises(errors.RunDirError, match="the folder is gone"),
        atomic_files.replacing(folder / "state.bin") as temporary,
    ):
        temporary.write_bytes(NEW)
        temporary.unlink()
        folder.rmdir()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_every_cause_is_told_apart(
    target: Path, number: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(errors.RunDirError, match=words):
        atomic_files.write(target, NEW)
    assert target.read_bytes() == OLD
    assert _only(target)


def test_content_is_synced_before_the_rename_and_the_rename_after(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    replace = os.replace

    def noted_replace(source: Path, destination: Path) -> None:
        calls.append("rename")
        replace(source, destination)

    def noted_sync(descriptor: int) -> None:
        calls.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)

    monkeypatch.setattr(os, "replace", noted_replace)
    monkeypatch.setattr(os, "fsync", noted_sync)
    atomic_files.write(target, NEW)
    content, rename, folder = calls
    assert content.endswith(f"-{target.name}")
    assert (rename, folder) == ("rename", target.parent.name)


def test_a_kill_leaves_the_old_or_the_new_content_whole(tmp_path: Path) -> None:
    # Writes two contents in turn until it is killed; 15 kills at growing moments.
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from kft.run_folder import atomic_files\n"
        "print('on', flush=True)\nnumber = 0\n"
        "while True:\n"
        "    number += 1\n"
        "    content = bytes([number % 256]) * 500_000\n"
        "    atomic_files.write(Path(sys.argv[1]), content)\n"
    )
    target = tmp_path / "state.bin"
    for attempt in range(15):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE
        )
        with writer:
            assert writer.stdout.read(2) == b"on"
            with contextlib.suppress(subprocess.TimeoutExpired):
                writer.wait(timeout=attempt * 0.002)
            writer.send_signal(signal.SIGKILL)
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 500_000
            assert len(set(content)) == 1
    assert target.exists()
    atomic_files.remove_leftovers(tmp_path)
    assert _only(target)


def test_leftovers_are_removed_in_sub_folders_too(tmp_path: Path) -> None:
    kept = tmp_path / "checkpoints" / "state.npz"
    kept.parent.mkdir()
    kept.touch()
    with atomic_files.replacing(kept) as temporary:
        name = temporary.name
        temporary.touch()
    (kept.parent / name).touch()
    (tmp_path / name).mkdir()
    (tmp_path / name / "inside").touch()
    assert atomic_files.is_leftover(tmp_path / name) and not atomic_files.is_leftover(
        kept
    )
    atomic_files.remove_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["checkpoints", "state.npz"]


def test_what_another_process_may_be_writing_is_left_alone(tmp_path: Path) -> None:
    new, old, busy = (tmp_path / f".tmp-{name}" for name in ("new", "old", "busy"))
    for folder in (new, old, busy):
        folder.mkdir()
        (folder / "part").touch()
    begun = time.time() - 100
    for path in (old / "part", old, busy):
        os.utime(path, (begun, begun))
    atomic_files.remove_leftovers(tmp_path, untouched_seconds=50)
    assert sorted(tmp_path.iterdir()) == [busy, new]


def test_a_link_among_the_leftovers_is_removed_and_not_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    (tmp_path / ".tmp-link").symlink_to("folder")
    atomic_files.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "kept").exists()


def test_the_text_of_another_library_names_the_error_of_the_system() -> None:
    found = atomic_files.os_error_in("{{node x}} a/b; File too large [Op:SaveV2]")
    assert found is not None and found.errno == errno.EFBIG
    assert atomic_files.os_error_in("a/b; No space left on device") is not None
    assert atomic_files.os_error_in("shapes do not match") is None
