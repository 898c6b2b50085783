"""Text files, local or remote, in UTF-8."""

import codecs
import os

from kft import errors
from kft.data.sources import filesystem

# How files begin that are in UTF-16, as Windows saves "Unicode text", and ZIP files,
# which spreadsheets are.
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ZIP = b"PK\x03\x04"


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
        errors.DataError: where it cannot be read as UTF-8, nor has the mark of UTF-16.
    """
    path = filesystem.expand(path)
    try:
        content = _content(path)
        if content.startswith(_ZIP):
            raise errors.DataError(
                f"{flag}: expected a text file in UTF-8, received a spreadsheet or an "
                "archive. Save the table as CSV UTF-8, or unpack it."
            )
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
