"""Where metadata.csv and metadata.jsonl lie that list the files of a folder.

That is the layout of `imagefolder` and `audiofolder` of Hugging Face's datasets: such a
file in the folder itself, or one in each folder of a split. A folder that says nothing
may be around all. A file of that name without the column of the files is something
else.
"""

import dataclasses
import functools
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence

from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data.examples import TRAIN
from kft.data.sources import (
    class_folders,
    filesystem,
    json_table,
    split_words,
    table_file,
    text_file,
)
from kft.data.sources.class_folders import ClassFolders
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
        class_folders: those beside it that could be classes; none where folders never
            are.
    """

    path: str
    folder: str
    split: str | None
    flag: str
    class_folders: ClassFolders

    @property
    def is_parquet(self) -> bool:
        """Return whether it is a table that cannot be read."""
        return self.path.endswith(_PARQUET)

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
            return self._keys.issuperset(names)
        content = text_file.read(self.path, self.flag)
        return table_file.has_columns(content, names, flag=self.flag)

    @functools.cached_property
    def _keys(self) -> frozenset[str]:
        """Return the columns of JSON lines, all of which have to be read for it."""
        return json_table.columns(self.path, flag=self.flag)


def find(
    root: str,
    config: config_lib.DataConfig,
    tree: FolderTree,
    *,
    strict: bool,
    known: Collection[str] | None = None,
) -> tuple[MetadataFile, ...]:
    """Return the files that list those of a folder; none where there are none.

    Args:
        root: an existing folder, local or remote.
        config: of the data; `--csv_columns` may call the column of the files otherwise.
        tree: how to look at folders.
        strict: whether one without that column is a mistake where the folders are no
            classes.
        known: classes of a run, where it is measured; None where one begins.

    Raises:
        errors.DataError: for such files that contradict each other.
    """
    search = _Search(root, config, tree, strict=strict, known=known)
    for folder in _around(root, tree):
        own = search.within(folder, split=None)
        of_splits = search.of_splits(folder)
        if own and of_splits:
            raise errors.DataError(
                f"{own.flag}: expected the files listed here, or in the folders of the "
                f"splits; received {of_splits[0].flag} as well. Remove one of them."
            )
        if own or of_splits:
            return (own,) if own else of_splits
    return ()


def may_name_splits(root: str) -> bool:
    """Return whether there is such a file in a folder, or in what it is put around.

    Args:
        root: an existing folder, local or remote.
    """
    # Every file counts, so that no folder with files is taken for one of runs.
    tree = FolderTree(("",))
    return any(
        entry.name in NAMES
        for folder in _around(root, tree)
        for entry in filesystem.entries(posixpath.join(root, folder))
    )


def _around(root: str, tree: FolderTree) -> Iterator[str]:
    """Yield a folder, and what it is only put around, seen from there."""
    folder = ""
    for _ in range(_MOST_WRAPPERS):
        yield folder
        children = list(tree.folders(posixpath.join(root, folder)))
        if len(children) != 1:
            return
        folder = posixpath.join(folder, children[0])


class _Search:
    """The search below one folder."""

    def __init__(
        self,
        root: str,
        config: config_lib.DataConfig,
        tree: FolderTree,
        *,
        strict: bool,
        known: Collection[str] | None,
    ) -> None:
        self._root, self._tree, self._strict = root, tree, strict
        self._known = known
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
        classes = self._classes(folder, split)
        found = [
            MetadataFile(
                path=posixpath.join(path, name),
                folder=folder,
                split=split,
                flag=f"{self._flag}, {posixpath.join(folder, name)}",
                class_folders=classes,
            )
            for name in there
        ]
        listing = [one for one in found if self._is_table_of_files(one)]
        likely = [one for one in found if one in listing or one.is_parquet]
        if len(likely) > 1:
            names = [posixpath.basename(one.path) for one in likely]
            raise errors.DataError(
                f"{self._flag}: expected one file that lists the others, received "
                f"{' and '.join(names)} in {path}. Remove all but one."
            )
        self._say_unused([one for one in found if one not in listing], listing)
        return listing[0] if listing else None

    def of_splits(self, folder: str) -> tuple[MetadataFile, ...]:
        """Return what lists the files of the splits whose folders lie in a folder.

        There are none where those of training are listed by none, but have classes.

        Raises:
            errors.DataError: where only some of the splits have such a file.
        """
        found: dict[str, MetadataFile] = {}
        path = posixpath.join(self._root, folder)
        named = {n: split_words.within_name(n) for n in self._tree.folders(path)}
        splits = {name: split for name, split in named.items() if split}
        without = []
        # Those of training decide, before a file of another one is complained about.
        for name in sorted(splits, key=lambda name: splits[name] != TRAIN):
            split = splits[name]
            one = self.within(posixpath.join(folder, name), split=split)
            if one is None:
                if split == TRAIN and self._has_classes(path, name):
                    return ()
                without.append(name)
                continue
            if split in found:
                raise errors.DataError(
                    f"{one.flag}: expected one folder for each split, received "
                    f"{found[split].flag} for {split} as well."
                )
            found[split] = one
        if found:
            self._check_without(folder, without, found[next(iter(found))])
        return tuple(found.values())

    def _check_without(
        self, folder: str, names: Sequence[str], listing: MetadataFile
    ) -> None:
        """Check that no split has classes where another one has a table."""
        for name in names:
            inner = posixpath.join(folder, name)
            classes = self._own_classes(inner).names
            if classes:
                raise errors.DataError(
                    f"{listing.flag}: expected such a file for each split, received "
                    f"none in {inner}, where folders may be the classes: "
                    f"{_listed(classes)}. Write one there, or move {inner} or this "
                    "file elsewhere."
                )

    def _classes(self, folder: str, split: str | None) -> ClassFolders:
        """Return the class folders that are beside a file in a folder."""
        own = self._own_classes(folder)
        if own.names and split is not None:
            return ClassFolders(own.names, "splits")
        if own.names or split is None:
            return own
        # Other splits may have classes, and this one files without labels.
        return self._own_classes(posixpath.dirname(folder))

    def _own_classes(self, folder: str) -> ClassFolders:
        if not self._strict:
            return ClassFolders()
        path = posixpath.join(self._root, folder)
        return class_folders.find(path, self._tree, known=self._known)

    def _has_classes(self, path: str, name: str) -> bool:
        children = self._tree.folders(posixpath.join(path, name))
        return any(map(self._tree.has_files, children.values()))

    def _say_unused(
        self, unused: Sequence[MetadataFile], listing: Sequence[MetadataFile]
    ) -> None:
        """Say which files list no others; where nothing else does, that is an error."""
        if not self._strict:
            return
        for one in sorted(unused, key=lambda one: not one.is_parquet):
            if not (listing or one.class_folders.names):
                raise errors.DataError(f"{one.flag}: {self._problem(one)}")
            used = (
                f"The files are listed in {posixpath.basename(listing[0].path)}."
                if listing
                else f"The classes are the folders: {_listed(one.class_folders.names)}."
            )
            logging.warning("%s: not used, %s %s", one.flag, self._problem(one), used)

    def _problem(self, found: MetadataFile) -> str:
        if found.is_parquet:
            return (
                f"expected {' or '.join(NAMES)}, for Parquet is not read. Save it as "
                "CSV, such as with pandas: to_csv(index=False)."
            )
        return (
            f"expected a column {self._column!r} that names the files. Add it, or say "
            "with --csv_columns=path=NAME what it is called."
        )

    def _is_table_of_files(self, found: MetadataFile) -> bool:
        if found.is_parquet:
            return False
        try:
            return found.has_columns([self._column])
        except errors.DataError:
            if self._strict and not found.class_folders.names:
                raise
            return False


def _listed(names: Sequence[str]) -> str:
    return errors.listed(names, most=_SHOWN)
