"""Text files, local or remote, in UTF-8."""

import codecs
import os

from kft import errors
from kft.data.sources import filesystem

# How files begin that are in UTF-16, as Windows saves "Unicode text".
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AS_CSV = "Save the table as CSV UTF-8"
# How files begin that are no text: what they are, and what to do.
_NO_TEXTS = {
    b"PK\x03\x04": ("a spreadsheet or an archive", f"{_AS_CSV}, or unpack it."),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet", f"{_AS_CSV}."),
    b"\x1f\x8b": ("an archive (gzip)", "Unpack it: `gunzip -k FILE` does."),
    b"BZh": ("an archive (bzip2)", "Unpack it: `bunzip2 -k FILE` does."),
    b"\xfd7zXZ": ("an archive (xz)", "Unpack it: `unxz -k FILE` does."),
    b"\x28\xb5\x2f\xfd": ("an archive (zstd)", "Unpack it: `unzstd FILE` does."),
    b"PAR1": ("a Parquet file", f"{_AS_CSV}, such as with pandas: to_csv."),
    b"ARROW1": ("an Arrow file", f"{_AS_CSV}, such as with pandas: to_csv."),
    b"SQLite format 3": ("a database", f"{_AS_CSV}."),
}


def check_exists(path: str, *, flag: str) -> None:
    """Check that a local file is there; remote ones wait until they are read.

    Args:
        path: of the file.
        flag: what names it, for messages.

    Raises:
        errors.ConfigError: where it is not.
    """
    path = filesystem.expand(path)
    if filesystem.is_remote(path) or os.path.isfile(path):
        return
    if os.path.isdir(path):
        raise errors.ConfigError(
            f"{flag}: expected a table in a text file; {path!r} is a folder. Name a "
            "file in it; where it has one for each split, put them into one, with a "
            "column split."
        )
    folder, name = os.path.split(path)
    near = "Check the path."
    if name and os.path.isdir(folder or "."):
        near = errors.closest(name, sorted(os.listdir(folder or ".")), most=0) or near
    raise errors.ConfigError(
        f"{flag}: expected a table in a text file; there is no file {path!r}. {near}"
    )


def read(path: str, flag: str) -> str:
    """Return the content of a text file, local or remote.

    Raises:
        errors.DataError: where it cannot be read as UTF-8, nor has the mark of UTF-16,
            or is a file of another kind.
    """
    path = filesystem.expand(path)
    try:
        content = _content(path)
        _check_is_text(content, flag)
        if content.startswith(_UTF16):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise errors.DataError(
            f"{flag}, line {line}: expected a text file in UTF-8; it cannot be read: "
            f"{error}. Save it as UTF-8 (spreadsheets call it CSV UTF-8)."
        ) from error
    except OSError as error:
        raise errors.DataError(
            f"{flag}: expected a text file in UTF-8; it cannot be read: {error}."
        ) from error


def _check_is_text(content: bytes, flag: str) -> None:
    """Check that a file is none of another kind, as far as it shows.

    Raises:
        errors.DataError: naming the kind.
    """
    if b"\0" not in content:
        return
    for begin, (what, advice) in _NO_TEXTS.items():
        if content.startswith(begin):
            raise errors.DataError(
                f"{flag}: expected a text file in UTF-8, received {what}. {advice}"
            )
    zeros = content.count(b"\0")
    if not content.startswith(_UTF16) and zeros > len(content) // 4:
        raise errors.DataError(
            f"{flag}: expected a text file in UTF-8, received one in which {zeros} of "
            f"{len(content)} bytes are 0: it seems to be in UTF-16. Save it as UTF-8 "
            "(spreadsheets call it CSV UTF-8)."
        )


def _content(path: str) -> bytes:
    if filesystem.is_remote(path):
        return _remote_content(path)
    with open(path, "rb") as file:
        return file.read()


def _remote_content(path: str) -> bytes:
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content: bytes = file.read()
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return content
