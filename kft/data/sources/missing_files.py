"""Advice on paths in tables at which there is no file."""

import glob
import os

from kft.data.sources import filesystem, path_ids

_MOST_FOLDERS = 50
_RELATIVE = "Paths are relative to the folder of the table."


def advice(path: str, table: str) -> str:
    """Return what may be wrong with a path at which no file is, a sentence or two.

    Args:
        path: as the table has it.
        table: path of the table.
    """
    if path_ids.has_drive(path):
        return (
            "It begins with the drive of a Windows machine: write paths relative to "
            "the folder of the table, such as cat/1.jpg."
        )
    found = None if path_ids.is_anchored(path) else _similar(path, table)
    if found is None:
        if not path_ids.is_anchored(path) and os.path.isfile(path):
            return (
                f"{_RELATIVE} There is {path!r} in the working directory: put the "
                "table there, or write paths as seen from the table."
            )
        return _RELATIVE
    return f"{_RELATIVE} There is {found!r}: write paths with their folder and ending."


def _similar(path: str, table: str) -> str | None:
    """Return a file whose path only has a folder or an ending more."""
    root = os.path.dirname(filesystem.expand(table)) or "."
    if filesystem.is_remote(root) or not os.path.isdir(root):
        return None
    names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    for folder in ("", *names[:_MOST_FOLDERS]):
        whole = os.path.join(root, folder, path)
        for found in (*glob.glob(glob.escape(whole)), *_with_ending(whole)):
            if os.path.isfile(found):
                return os.path.relpath(found, root).replace(os.sep, "/")
    return None


def _with_ending(path: str) -> list[str]:
    return sorted(glob.glob(glob.escape(path) + ".*"))
