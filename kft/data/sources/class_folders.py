"""Folders that may be classes, where a table is beside them that may say otherwise."""

import dataclasses
import typing
from collections.abc import Collection

from kft.data.examples import TRAIN
from kft.data.sources import split_words
from kft.data.sources.folder_tree import FolderTree


@dataclasses.dataclass(frozen=True)
class ClassFolders:
    """Folders of classes, however far below a folder.

    Attributes:
        names: of the classes; () where no folder is one.
        layout: value of `--folder_layout` that reads them.
    """

    names: tuple[str, ...] = ()
    layout: typing.Literal["classes", "splits"] = "classes"


def find(
    path: str, tree: FolderTree, *, known: Collection[str] | None = None
) -> ClassFolders:
    """Return the folders below a folder that could be classes.

    These are several with files in them; or those in a folder that is the only one, or
    in folders called like splits.

    Args:
        path: of an existing folder.
        tree: how to look at folders.
        known: classes of a run, for which one folder is enough; None where there is
            none.
    """
    filled = {n: p for n, p in tree.folders(path).items() if tree.has_files(p)}
    if known is not None and not filled.keys().isdisjoint(known):
        return ClassFolders(tuple(filled))
    splits = {name: split_words.within_name(name) for name in filled}
    if len(filled) == 1 or all(splits.values()):
        inner = {n: find(p, tree, known=known) for n, p in filled.items()}
        names = dict.fromkeys(n for found in inner.values() for n in found.names)
        if names:
            is_split = any(
                splits[name] == TRAIN or found.layout == "splits"
                for name, found in inner.items()
                if found.names
            )
            return ClassFolders(tuple(names), "splits" if is_split else "classes")
    if (len(filled) == 1 and known is None) or all(map(split_words.of_name, filled)):
        return ClassFolders()
    return ClassFolders(tuple(filled))
