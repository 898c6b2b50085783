"""A tree of folders, seen through the files of one kind in it."""

import collections
import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence

from absl import logging

from kft import errors
from kft.data.sources import filesystem
from kft.data.sources.filesystem import FolderEntry

# What makes a folder that of a run; runs of several seeds lie in one of their own.
_RUN_FILES = ("config.json", "flags.cfg")
_RUN_DEPTH = 2


@dataclasses.dataclass(frozen=True)
class FolderFiles:
    """The files in a folder, at any depth.

    Attributes:
        files: those that count, sorted.
        others: how many do not, by their ending, in small letters with the dot; of
            names without one, by an empty text.
        hidden: how many would count, if no name on the way to them began with a dot.
    """

    files: list[FolderEntry] = dataclasses.field(default_factory=list)
    others: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    hidden: int = 0


class FolderTree:
    """Folders, of whose files those count that have certain endings."""

    def __init__(self, endings: tuple[str, ...]) -> None:
        """Look at nothing yet.

        Args:
            endings: of the files that count, in small letters with the dot.
        """
        self._endings = endings
        self._has_files: dict[str, bool] = {}
        self._runs: set[str] = set()

    def folders(self, folder: str) -> dict[str, str]:
        """Return the paths of the sub-folders by name, sorted, without those of runs.

        Runs are written below the data where that is the working directory, and have
        drawings and an example in them.
        """
        found = {e.name: e.path for e in filesystem.entries(folder) if e.is_folder}
        runs = {name for name, path in found.items() if self._is_of_runs(path)}
        self._runs.update(found[name] for name in runs)
        return {name: path for name, path in found.items() if name not in runs}

    @property
    def runs(self) -> Sequence[str]:
        """Return the folders of runs that were left out so far, sorted."""
        return sorted(self._runs)

    def _is_of_runs(self, folder: str, depth: int = _RUN_DEPTH) -> bool:
        """Return whether a folder is that of a run, or holds those and no examples."""
        if filesystem.is_remote(folder):
            return False
        if all(os.path.isfile(os.path.join(folder, name)) for name in _RUN_FILES):
            return True
        inner = []
        # As found: the first file of a class ends it.
        with contextlib.suppress(OSError), os.scandir(folder) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    inner.append(item.path)
                elif item.name.lower().endswith(self._endings):
                    return False
        return depth > 0 and any(self._is_of_runs(path, depth - 1) for path in inner)

    def has_files(self, folder: str) -> bool:
        """Return whether there is a file that counts at any depth."""
        if folder not in self._has_files:
            self._has_files[folder] = any(
                self._counts(entry) for entry, _ in self._below(folder, hidden=False)
            )
        return self._has_files[folder]

    def direct_files(self, folder: str) -> int:
        """Return the number of files that count in the folder itself."""
        return sum(
            self._counts(entry)
            for entry in filesystem.entries(folder)
            if not entry.is_folder
        )

    def direct_hidden_files(self, folder: str) -> int:
        """Return how many would count, if names of the folder began with no dot."""
        number = 0
        for entry in filesystem.entries(folder, hidden=True):
            if entry.is_hidden and entry.is_folder:
                number += sum(
                    self._counts(inner)
                    for inner, _ in self._below(entry.path, is_hidden=True)
                )
            elif entry.is_hidden:
                number += self._counts(entry)
        return number

    def list_files(self, folder: str) -> FolderFiles:
        """Return the files at any depth. Follows links, each loop once."""
        files, others, hidden = [], collections.Counter[str](), 0
        for entry, is_hidden in self._below(folder):
            if self._counts(entry):
                hidden += is_hidden
                if not is_hidden:
                    files.append(entry)
            elif not is_hidden:
                others[os.path.splitext(entry.name)[1].lower()] += 1
        return FolderFiles(files, others, hidden)

    def _counts(self, entry: FolderEntry) -> bool:
        return entry.name.lower().endswith(self._endings)

    def _below(
        self,
        folder: str,
        parents: tuple[str, ...] = (),
        *,
        hidden: bool = True,
        is_hidden: bool = False,
    ) -> Iterator[tuple[FolderEntry, bool]]:
        """Yield each file, and whether it or a folder above it is hidden.

        Args:
            folder: where to begin.
            parents: folders above it that were gone through, as they really are.
            hidden: whether to look at what is hidden; it may be much, such as .git.
            is_hidden: whether the folder is, or one above it.
        """
        real = os.path.realpath(folder)
        if real in parents:
            logging.warning(
                "Left out %s: the link leads back to a folder above.", folder
            )
            return
        # What is hidden is only counted: that it cannot be listed is no error.
        ignored = (errors.DataError,) if is_hidden else ()
        with contextlib.suppress(*ignored):
            for entry in filesystem.entries(folder, hidden=hidden):
                within = is_hidden or entry.is_hidden
                if entry.is_folder:
                    inner = (*parents, real)
                    yield from self._below(
                        entry.path, inner, hidden=hidden, is_hidden=within
                    )
                else:
                    yield entry, within
