"""Ids of files that a table lists, which do not depend on where the files are."""

import posixpath
import re
from collections.abc import Sequence

from kft.data.sources import filesystem

_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def is_anchored(path: str) -> bool:
    """Return whether a path means the same from every folder."""
    return path.startswith("/") or filesystem.is_remote(path) or has_drive(path)


def has_drive(path: str) -> bool:
    """Return whether a path begins with the drive of a Windows machine."""
    return bool(_DRIVE.match(path))


def of(paths: Sequence[str], table_folder: str) -> list[str]:
    """Return the id of each path, in which splits and fingerprints are rooted.

    A relative path, which is relative to the table, is its own id. Where all are
    absolute, an id is the path relative to the folder that all have in common, so that
    it stays when they move together; else an absolute path is made relative to the
    table as the others are.

    Args:
        paths: normal ones, local or remote, with slashes.
        table_folder: absolute path of the folder of the table.
    """
    anchored = [path for path in paths if is_anchored(path)]
    if not anchored:
        return list(paths)
    if len(anchored) == len(paths):
        root = common_root(paths)
        return [path.removeprefix(root) if root else path for path in paths]
    if filesystem.is_remote(table_folder):
        return list(paths)
    return [
        posixpath.relpath(path, table_folder) if path.startswith("/") else path
        for path in paths
    ]


def common_root(paths: Sequence[str]) -> str:
    """Return the folder that all paths lie in, with a slash at its end; or nothing."""
    folders = [path.split("/")[:-1] for path in paths]
    shared = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared) + "/" if shared else ""
