"""Files that a user names: files, folders and patterns, in the order given.

Where a model takes texts, each row of a table is a file of its own, and each line of
standard input.
"""

import collections
import dataclasses
import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from absl import logging

from kft import errors
from kft.data.sources import filesystem
from kft.inference import text_rows

_STANDARD_INPUT = "-"
_ADDRESSES = ("http://", "https://")


@dataclasses.dataclass(frozen=True)
class InputFiles:
    """A file to predict, or the reason why an argument stands for none.

    Attributes:
        file: path as the user would write it.
        error: None for a file that is there.
        content: of what is no file of its own, such as a row; else None.
    """

    file: str
    error: str | None = None
    content: bytes | None = None

    @property
    def raw(self) -> bytes:
        """Return the path as TensorFlow takes it: a name need not be UTF-8."""
        return os.fsencode(self.file)


def find(
    arguments: Iterable[str], endings: Sequence[str], columns: Sequence[str] = ()
) -> Iterator[InputFiles]:
    """Yield what the arguments stand for; folders to any depth, names sorted.

    A path that exists is taken as it is, also where it looks like a pattern. A file is
    taken whatever its name.

    Args:
        arguments: what the user wrote.
        endings: lower-case, of the files that are taken out of a folder.
        columns: of tables whose rows are files of their own, see
            `kft.inference.text_rows`; () where a table is a file like others.
    """
    for argument in arguments:
        if argument == _STANDARD_INPUT and columns:
            yield from _rows(argument, text_rows.of_lines(sys.stdin.buffer, columns))
            continue
        for one in _named(argument, endings, takes_rows=bool(columns)):
            if columns and one.error is None and text_rows.is_table(one.file):
                yield from _rows(one.file, text_rows.of_table(one.file, columns))
            else:
                yield one


def _rows(file: str, rows: Iterable[text_rows.TextRow]) -> Iterator[InputFiles]:
    for row in rows:
        name = file if row.line is None else f"{file}:{row.line}"
        yield InputFiles(name, row.error, row.content)


def _named(
    argument: str, endings: Sequence[str], *, takes_rows: bool
) -> Iterator[InputFiles]:
    """Yield the files that an argument names."""
    path = filesystem.expand(argument)
    if path.startswith(_ADDRESSES):
        yield InputFiles(path, "an address of the web; download the file first")
    elif filesystem.is_folder(path):
        yield from _in_folder(path, tuple(endings))
    elif filesystem.is_remote(path) or os.path.exists(path):
        yield InputFiles(path)
    elif glob.has_magic(path):
        yield from _matching(path)
    else:
        advice = "; a text itself goes to standard input, with - as file"
        yield InputFiles(path, f"there is no such file{advice if takes_rows else ''}")


def _in_folder(path: str, endings: tuple[str, ...]) -> Iterator[InputFiles]:
    files, others = [], collections.Counter[str]()
    for one in _below(path, ()):
        if one.error is not None or one.file.lower().endswith(endings):
            files.append(one)
        else:
            others[os.path.splitext(one.file)[1].lower()] += 1
    if not files:
        yield InputFiles(path, f"the folder has no files of {', '.join(endings)}")
    if others:
        held = ", ".join(f"{e or 'no ending'} {n}" for e, n in others.most_common(5))
        logging.info(
            "%s: %d of %d files are left out, for files of the model end in %s: %s.",
            *(path, others.total(), others.total() + len(files)),
            *(", ".join(endings), held),
        )
    yield from files


def _below(path: str, parents: tuple[str, ...]) -> Iterator[InputFiles]:
    """Yield all files at any depth, sorted; follows links, but not in circles.

    A folder that cannot be listed is an error in its place.
    """
    real = os.path.realpath(path)
    if real in parents:
        return
    try:
        listed = list(filesystem.entries(path, any_name=True))
    except errors.DataError as error:
        yield InputFiles(path, str(error))
        return
    for entry in listed:
        if entry.is_folder:
            yield from _below(entry.path, (*parents, real))
        else:
            yield InputFiles(entry.path)


def _matching(pattern: str) -> Iterator[InputFiles]:
    paths = sorted(glob.glob(pattern, recursive=True))
    files = [path for path in paths if not os.path.isdir(path)]
    if not files:
        yield InputFiles(pattern, "no file matches the pattern")
    yield from map(InputFiles, files)
