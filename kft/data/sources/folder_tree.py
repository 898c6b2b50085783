"""A tree of folders, seen through the files of one kind in it."""

import collections
import os
from collections.abc import Iterator

from absl import logging

from kft.data.sources import filesystem
from kft.data.sources.filesystem import FolderEntry


class FolderTree:
    """Folders, of whose files those count that have certain endings."""

    def __init__(self, endings: tuple[str, ...]) -> None:
        """Look at nothing yet.

        Args:
            endings: of the files that count, in small letters with the dot.
        """
        self._endings = endings
        self._has_files: dict[str, bool] = {}

    def folders(self, folder: str) -> dict[str, str]:
        """Return the paths of the sub-folders by name, sorted."""
        return {e.name: e.path for e in filesystem.entries(folder) if e.is_folder}

    def has_files(self, folder: str) -> bool:
        """Return whether there is a file that counts at any depth."""
        if folder not in self._has_files:
            found = any(self._counts(entry) for entry in self._below(folder))
            self._has_files[folder] = found
        return self._has_files[folder]

    def direct_files(self, folder: str) -> int:
        """Return the number of files that count in the folder itself."""
        return sum(
            self._counts(entry)
            for entry in filesystem.entries(folder)
            if not entry.is_folder
        )

    def list_files(
        self, folder: str
    ) -> tuple[list[FolderEntry], collections.Counter[str]]:
        """Return the files that count at any depth, sorted, and how many others.

        Follows links, each loop once.

        Returns:
            The files, and the number of the others by their ending, in small letters
            with the dot; of names without one, by an empty text.
        """
        files, others = [], collections.Counter[str]()
        for entry in self._below(folder):
            if self._counts(entry):
                files.append(entry)
            else:
                others[os.path.splitext(entry.name)[1].lower()] += 1
        return files, others

    def _counts(self, entry: FolderEntry) -> bool:
        return entry.name.lower().endswith(self._endings)

    def _below(
        self, folder: str, parents: tuple[str, ...] = ()
    ) -> Iterator[FolderEntry]:
        real = os.path.realpath(folder)
        if real in parents:
            logging.warning(
                "Left out %s: the link leads back to a folder above.", folder
            )
            return
        for entry in filesystem.entries(folder):
            if entry.is_folder:
                yield from self._below(entry.path, (*parents, real))
            else:
                yield entry
