"""Files in tar archives: what each is called, and where its bytes lie.

Nothing is ever extracted: a member is read at its offset. Archives have to be plain
tar, for the compressed ones cannot be read from the middle.
"""

import contextlib
import dataclasses
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from kft import errors
from kft.data.sources import filesystem

_BLOCK = 512
_PIECE = 1 << 20
_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
}


@dataclasses.dataclass(frozen=True)
class TarMember:
    """A file in an archive.

    Attributes:
        offset: where its bytes begin, from the begin of the archive.
        size: how many there are.
    """

    offset: int
    size: int


@contextlib.contextmanager
def open_shard(path: str) -> Iterator[BinaryIO]:
    """Give an archive, local or remote, to be read at any place.

    Raises:
        errors.DataError: where it cannot be opened, or not be read within the block.
    """
    try:
        with filesystem.open_to_read(path) as file:
            yield file
    except OSError as error:
        raise errors.DataError(
            f"{path} cannot be read: {error.strerror or error}. Copy it anew, or leave "
            "it out."
        ) from error


def check_is_plain(file: BinaryIO, path: str) -> None:
    """Check that an archive is not compressed.

    Raises:
        errors.DataError: where it is.
    """
    file.seek(0)
    begin = file.read(max(map(len, _COMPRESSED)))
    for mark, (name, command) in _COMPRESSED.items():
        if begin.startswith(mark):
            raise errors.DataError(
                f"{path}: expected tar that is not compressed, for examples are read "
                f"in any order; received {name}. Unpack it to tar: {command} {path}"
            )


def index(file: BinaryIO, path: str) -> dict[str, dict[str, TarMember]]:
    """Return the members of an archive by key and ending, in its order.

    The key is the name up to the first dot behind the last slash, and the ending what
    follows it, in small letters: `a/0001.seg.png` is `a/0001` and `seg.png`. Names
    that begin with a dot or have none are left out, and so are folders.

    Args:
        file: the archive; at the end it stands anywhere.
        path: of it, for messages.

    Raises:
        errors.DataError: for an archive that is compressed, damaged or cut off, has
            links, devices or files with holes in it, or a name twice.
    """
    check_is_plain(file, path)
    found: dict[str, dict[str, TarMember]] = {}
    for member in _members(file, path):
        key, ending = split_name(member.name)
        if not key:
            continue
        endings = found.setdefault(key, {})
        if ending in endings:
            raise errors.DataError(
                f"{path}: expected each name once, received {member.name!r} again. "
                "Write the archive anew without it."
            )
        endings[ending] = TarMember(member.offset_data, member.size)
    return found


def split_name(name: str) -> tuple[str, str]:
    """Return key and ending of a member; both are empty where it is none of an example.

    See `index`.
    """
    folder, slash, base = name.rpartition("/")
    stem, dot, ending = base.partition(".")
    if not stem or not dot or not ending:
        return "", ""
    return f"{folder}{slash}{stem}", ending.lower()


def read(file: BinaryIO, member: TarMember) -> bytes:
    """Return the bytes of a member."""
    file.seek(member.offset)
    return file.read(member.size)


def _members(file: BinaryIO, path: str) -> Iterator[tarfile.TarInfo]:
    """Yield the files of an archive, of which no more than one is in memory."""
    file.seek(0)
    end = 0
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            while (member := archive.next()) is not None:
                # Else it keeps each for as long as it is open.
                _forget(archive)
                end = member.offset_data
                if member.isdir():
                    continue
                _check_member(member, path)
                end += -(-member.size // _BLOCK) * _BLOCK
                yield member
    except (tarfile.TarError, OSError, ValueError) as error:
        raise errors.DataError(
            f"{path}: expected a tar archive, which cannot be read: {error}. Write or "
            "copy it anew, or leave it out."
        ) from error
    # A damaged header looks like the end to tarfile (Python 3.13), and so does that of
    # each of several archives in one file.
    file.seek(end)
    rest = file.read(_PIECE)
    has_end = len(rest) >= _BLOCK
    while rest and not rest.strip(b"\0"):
        rest = file.read(_PIECE)
    if rest or not has_end:
        raise errors.DataError(
            f"{path}: expected the end of the archive at byte {end}, and zeros behind "
            "it, received something else, or nothing: it is damaged, cut off, or "
            "several archives one behind the other. Write or copy it anew."
        )


def _forget(archive: Any) -> None:
    archive.members = []


def _check_member(member: tarfile.TarInfo, path: str) -> None:
    """Check that a member is bytes in one piece, with a name that can be written."""
    kinds: Mapping[str, bool] = {
        "a link": member.issym() or member.islnk(),
        "a device or pipe": member.isdev(),
        "a file with holes (sparse)": member.issparse(),
        "something of an unknown type": not member.isreg() or member.size < 0,
    }
    for kind, is_so in kinds.items():
        if is_so:
            raise errors.DataError(
                f"{path}: expected files and folders alone, received {kind}, "
                f"{member.name!r}. Write the archive anew with the file itself (tar "
                "--dereference --hard-dereference)."
            )
    filesystem.check_is_utf8(
        member.name,
        f"{path}: expected names",
        advice="Rename the file, and write it anew.",
    )
