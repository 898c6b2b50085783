"""Where metadata.csv and metadata.jsonl lie that list the files of a folder.

That is the layout of `imagefolder` and `audiofolder` of Hugging Face's datasets: such a
file in the folder itself, or one in each folder of a split. A folder that says nothing
may be around all. A file of that name without the column of the files is something
else.
"""

import dataclasses
import posixpath
from collections.abc import Iterable

from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data.examples import TRAIN
from kft.data.sources import (
    filesystem,
    json_table,
    split_words,
    table_file,
    text_file,
)
from kft.data.sources.folder_tree import FolderTree

NAMES = ("metadata.csv", "metadata.jsonl")
# What datasets reads, too.
_PARQUET = "metadata.parquet"
# What the column of the files is called.
FILE_NAME = "file_name"
_MOST_WRAPPERS = 4
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class MetadataFile:
    """A file that lists others.

    Attributes:
        path: where it lies.
        folder: that it lies in, below the folder of the data set; empty for itself.
        split: that its folder is called like; None where it names none.
        flag: what names it, for messages.
        class_folders: names of the folders beside it that could be classes; none where
            folders never are.
    """

    path: str
    folder: str
    split: str | None
    flag: str
    class_folders: tuple[str, ...]

    @property
    def is_json(self) -> bool:
        """Return whether it has a JSON object a line."""
        return self.path.endswith(".jsonl")

    def has_columns(self, names: Iterable[str]) -> bool:
        """Return whether it has all of some columns, in lower case.

        Raises:
            errors.DataError: where it cannot be read.
        """
        names = tuple(names)
        if self.is_json:
            return json_table.has_columns(self.path, names, flag=self.flag)
        content = text_file.read(self.path, self.flag)
        return table_file.has_columns(content, names, flag=self.flag)


def find(
    root: str, config: config_lib.DataConfig, tree: FolderTree, *, strict: bool
) -> tuple[MetadataFile, ...]:
    """Return the files that list those of a folder; none where there are none.

    Args:
        root: an existing folder, local or remote.
        config: of the data; `--csv_columns` may call the column of the files otherwise.
        tree: how to look at folders.
        strict: whether one without that column is a mistake where the folders are no
            classes.

    Raises:
        errors.DataError: for such files that contradict each other.
    """
    search = _Search(root, config, tree, strict=strict)
    folder = ""
    for _ in range(_MOST_WRAPPERS):
        own = search.within(folder, split=None)
        of_splits = search.of_splits(folder)
        if own and of_splits:
            raise errors.DataError(
                f"{own.flag}: expected the files listed here, or in the folders of the "
                f"splits; received {of_splits[0].flag} as well. Remove one of them."
            )
        children = list(tree.folders(posixpath.join(root, folder)))
        if own or of_splits or len(children) != 1:
            return (own,) if own else of_splits
        folder = posixpath.join(folder, children[0])
    return ()


class _Search:
    """The search below one folder."""

    def __init__(
        self,
        root: str,
        config: config_lib.DataConfig,
        tree: FolderTree,
        *,
        strict: bool,
    ) -> None:
        self._root, self._tree, self._strict = root, tree, strict
        self._flag = f"--dataset={config.dataset}"
        self._column = FILE_NAME
        for pair in config.csv_columns:
            part, _, name = pair.partition("=")
            if part.strip() == "path":
                self._column = name.strip().lower()

    def within(self, folder: str, *, split: str | None) -> MetadataFile | None:
        """Return the file that lists others in a folder; None where none does."""
        path = posixpath.join(self._root, folder)
        entries = filesystem.entries(path)
        there = [e.name for e in entries if e.name in (*NAMES, _PARQUET)]
        if not there:
            return None
        if len(there) > 1:
            raise errors.DataError(
                f"{self._flag}: expected one file that lists the others, received "
                f"{' and '.join(there)} in {path}. Remove all but one."
            )
        children = self._tree.folders(path)
        filled = [n for n, p in children.items() if self._tree.has_files(p)]
        found = MetadataFile(
            path=posixpath.join(path, there[0]),
            folder=folder,
            split=split,
            flag=f"{self._flag}, {posixpath.join(folder, there[0])}",
            class_folders=tuple(filled) if self._strict and len(filled) > 1 else (),
        )
        return found if self._lists_files(found) else None

    def of_splits(self, folder: str) -> tuple[MetadataFile, ...]:
        """Return what lists the files of the splits whose folders lie in a folder.

        There are none where those of training are listed by none, but have classes.
        """
        found: dict[str, MetadataFile] = {}
        path = posixpath.join(self._root, folder)
        for name in self._tree.folders(path):
            split = split_words.within_name(name)
            if split is None:
                continue
            one = self.within(posixpath.join(folder, name), split=split)
            if one is None and split == TRAIN and self._has_classes(path, name):
                return ()
            if one is not None and split in found:
                raise errors.DataError(
                    f"{one.flag}: expected one folder for each split, received "
                    f"{found[split].flag} for {split} as well."
                )
            if one is not None:
                found[split] = one
        return tuple(found.values())

    def _has_classes(self, path: str, name: str) -> bool:
        children = self._tree.folders(posixpath.join(path, name))
        return any(map(self._tree.has_files, children.values()))

    def _lists_files(self, found: MetadataFile) -> bool:
        if found.path.endswith(_PARQUET):
            problem = f"expected {' or '.join(NAMES)}, for Parquet is not read."
            advice = "Save it as CSV, such as with pandas: to_csv(index=False)."
        elif self._is_table_of_files(found):
            return True
        else:
            problem = f"expected a column {self._column!r} that names the files."
            advice = "Add it, or say with --csv_columns=path=NAME what it is called."
        if not self._strict:
            return False
        if not found.class_folders:
            raise errors.DataError(f"{found.flag}: {problem} {advice}")
        logging.warning(
            "%s: not used. %s The classes are the folders: %s.",
            *(found.flag, problem.capitalize()),
            errors.listed(found.class_folders, most=_SHOWN),
        )
        return False

    def _is_table_of_files(self, found: MetadataFile) -> bool:
        try:
            return found.has_columns([self._column])
        except errors.DataError:
            if self._strict and not found.class_folders:
                raise
            return False
