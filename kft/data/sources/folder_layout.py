"""Where the classes and the splits are among folders.

The layouts that data comes in: a folder for each class; these below train/, val/ and
test/, where test/ may have no labels; with a folder around it that says nothing, such
as images/, data/, or seg_train/ in seg_train/; with names such as seg_train and
train_images. Where folders can be read in two ways, the user is asked.
"""

import dataclasses
import os
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence

from absl import logging

from kft import errors
from kft.data import examples
from kft.data.examples import TRAIN
from kft.data.sources import split_words
from kft.data.sources.folder_tree import FolderTree

Reading = typing.Literal["auto", "classes", "splits"]
# Names of folders that are neither classes nor splits.
_WRAPPERS = frozenset(
    "data dataset datasets images image imgs img jpg jpeg photos pictures raw".split()
)
# Names of folders in a training folder that hold examples without labels, as in
# aclImdb.
_UNLABELLED = frozenset(("unsup", "unlabeled", "unlabelled"))
_MOST_WRAPPERS = 4
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class FolderLayout:
    """The folders of a data set.

    Attributes:
        by_split: paths of the class folders, by split and by name, sorted.
        not_used: folders that hold files and are neither, which are left out.
    """

    by_split: Mapping[str, Mapping[str, str]]
    not_used: tuple[str, ...] = ()


def find(
    root: str,
    tree: FolderTree,
    reading: Reading,
    flag: str,
    *,
    known: Collection[str] = (),
) -> FolderLayout:
    """Return where the classes and splits are.

    Args:
        root: an existing folder.
        tree: how to look at folders.
        reading: `classes`: every sub-folder is a class, whatever its name; `splits`:
            the folders that are called so are splits; `auto`: what it can only be.
        flag: that names the folder, for messages.
        known: classes of a run, where these decide what is a class; then there need be
            no training split.

    Raises:
        errors.DataError: where it can be read in two ways, or not as asked for.
    """
    top = _unwrapped(root, tree, holds_splits=reading != "classes")
    if top != root:
        logging.info("%s: the examples are in %s.", flag, top)
    children = tree.folders(top)
    if reading == "classes":
        return FolderLayout({TRAIN: children})
    readings = _Readings(children, tree, flag, known=known)
    of_known = readings.of_known()
    return of_known or readings.choose(must_split=reading == "splits")


def _unwrapped(folder: str, tree: FolderTree, *, holds_splits: bool) -> str:
    """Return the folder below all that is only put around the classes or splits.

    Args:
        folder: where to begin.
        tree: how to look at folders.
        holds_splits: whether a folder of any name is one, where splits are in it.
    """
    for _ in range(_MOST_WRAPPERS):
        children = tree.folders(folder)
        likely = [name for name in children if _is_wrapper(name, folder)]
        if holds_splits and len(children) == 1 and not likely:
            likely = [n for n, p in children.items() if _is_of_splits(tree.folders(p))]
        if len(likely) != 1 or not tree.folders(children[likely[0]]):
            return folder
        others = (path for name, path in children.items() if name != likely[0])
        if any(tree.has_files(path) for path in others):
            return folder
        folder = children[likely[0]]
    return folder


def _is_wrapper(name: str, folder: str) -> bool:
    return name.lower() in _WRAPPERS or name == os.path.basename(folder.rstrip("/"))


def _are_classes(names: Sequence[str]) -> bool:
    """Return whether folders beside train/ make it likely that it is a class too."""
    return len(names) > 1 and not any(split_words.within_name(name) for name in names)


def _is_of_splits(children: Iterable[str]) -> bool:
    found = [split_words.of_name(name) for name in children]
    return TRAIN in found and all(found)


class _Readings:
    """The two ways to read folders that lie beside each other."""

    def __init__(
        self,
        children: Mapping[str, str],
        tree: FolderTree,
        flag: str,
        *,
        known: Collection[str],
    ) -> None:
        self._children, self._tree, self._flag = children, tree, flag
        self._known = frozenset(known)
        self._looked_at: dict[str, dict[str, str]] = {}
        self._splits = self._named_like_splits()

    def of_known(self) -> FolderLayout | None:
        """Return the reading with known classes; None where not exactly one has any."""
        in_splits = {inner for name in self._splits for inner in self._classes(name)}
        as_classes = self._known & {*self._children}
        as_splits = self._known & in_splits
        if bool(as_classes) == bool(as_splits):
            return None
        if as_classes:
            return FolderLayout({TRAIN: self._children})
        return self._as_splits()

    def choose(self, *, must_split: bool) -> FolderLayout:
        """Return the only reading that is possible, or the one that is asked for."""
        train = [n for n in self._of(TRAIN) if self._classes(n)]
        if must_split:
            if train:
                return self._as_splits()
            if self._splits_within_classes():
                return self._from_within_classes()
            raise errors.DataError(
                f"{self._flag}: --folder_layout=splits expects a folder train with a "
                f"sub-folder for each class, received {_listed(self._children)}."
            )
        if not self._splits:
            if self._splits_within_classes() or self._classes_within_all():
                raise self._question()
            return FolderLayout({TRAIN: self._children})
        others = self._others()
        if train:
            if others and not self._share_classes(train[0]):
                raise self._question()
            return self._as_splits()
        if not others and all(self._classes(name) for name in self._splits):
            raise errors.DataError(
                f"{self._flag}: expected a folder train beside "
                f"{_listed(self._children)}."
            )
        if set(self._splits.values()) == {TRAIN} and _are_classes(others):
            logging.warning(
                "%s: %s is taken for a class, for it has no folders of classes in it.",
                self._flag,
                _listed(self._splits),
            )
            return FolderLayout({TRAIN: self._children})
        if not any(self._tree.has_files(self._children[n]) for n in self._splits):
            return FolderLayout({TRAIN: self._children})
        raise self._question()

    def _named_like_splits(self) -> dict[str, str]:
        """Return the split of each folder that is called like one.

        Names that only contain such a word count beside a training folder with
        classes in it, where no other folder is of that split.
        """
        exact = {n: s for n in self._children if (s := split_words.of_name(n))}
        loose = {
            name: split
            for name in self._children
            if (split := split_words.within_name(name)) and split not in exact.values()
        }
        loose = {n: s for n, s in loose.items() if list(loose.values()).count(s) == 1}
        found = {**exact, **loose}
        has_train = any(s == TRAIN and self._classes(n) for n, s in found.items())
        return found if has_train or self._known else exact

    def _classes(self, name: str) -> dict[str, str]:
        """Return the folders in a folder, without what is only put around them."""
        if name not in self._looked_at:
            top = _unwrapped(self._children[name], self._tree, holds_splits=False)
            found = self._tree.folders(top)
            if len(found) == 1 and _is_wrapper(next(iter(found)), top):
                found = {}  # Files without labels, with a folder around them.
            self._looked_at[name] = found
        return self._looked_at[name]

    def _of(self, split: str) -> list[str]:
        return [name for name, found in self._splits.items() if found == split]

    def _others(self) -> list[str]:
        return [name for name in self._filled() if name not in self._splits]

    def _share_classes(self, train: str) -> bool:
        """Return whether another split has classes of the training folder."""
        return any(
            set(self._classes(name)) & set(self._classes(train))
            for name in self._splits
            if name != train
        )

    def _as_splits(self) -> FolderLayout:
        by_split: dict[str, Mapping[str, str]] = {}
        not_used = [self._children[name] for name in self._others()]
        for name, split in self._splits.items():
            if not self._classes(name):
                if self._tree.has_files(self._children[name]):
                    not_used.append(self._children[name])
                continue
            if split in by_split:
                raise errors.DataError(
                    f"{self._flag}: expected one folder for each split, received "
                    f"several for {split}: {', '.join(self._of(split))}."
                )
            by_split[split] = self._classes(name)
        unlabelled = _unlabelled(by_split)
        if unlabelled:
            not_used += unlabelled.values()
            by_split[TRAIN] = {
                n: p for n, p in by_split[TRAIN].items() if n not in unlabelled
            }
        return FolderLayout(_sorted(by_split), tuple(not_used))

    def _splits_within_classes(self) -> bool:
        """Return whether every folder has train/ in it, and nothing but splits."""
        filled = self._filled()
        return len(filled) > 1 and all(_is_of_splits(self._classes(n)) for n in filled)

    def _classes_within_all(self) -> bool:
        """Return whether every folder has the same folders in it, and no file.

        As those of splits do that are called so in another language.
        """
        filled = self._filled()
        inner = [set(self._classes(name)) for name in filled]
        return (
            1 < len(filled) <= len(examples.SPLITS)
            and len(inner[0]) > 1
            and all(found == inner[0] for found in inner)
            and not any(self._tree.direct_files(self._children[n]) for n in filled)
        )

    def _filled(self) -> list[str]:
        return [n for n, p in self._children.items() if self._tree.has_files(p)]

    def _from_within_classes(self) -> FolderLayout:
        by_split: dict[str, dict[str, str]] = {}
        for name in self._filled():
            for inner, path in self._classes(name).items():
                split = split_words.SPLITS_BY_WORD[inner.lower()]
                if name in by_split.setdefault(split, {}):
                    raise errors.DataError(
                        f"{self._flag}: expected one folder for each split, received "
                        f"several for {split} in {self._children[name]}."
                    )
                by_split[split][name] = path
        return FolderLayout(_sorted(by_split))

    def _question(self) -> errors.DataError:
        return errors.DataError(
            f"{self._flag}: folders in it are called or filled like splits, so that it "
            "can be read in two ways.\n"
            f"  As classes: {_listed(self._filled())}. "
            "That is --folder_layout=classes.\n"
            f"  As splits: {self._splits_in_words()}"
        )

    def _splits_in_words(self) -> str:
        train = [n for n in self._of(TRAIN) if self._classes(n)]
        say_so = "That is --folder_layout=splits."
        if not self._splits:
            filled = self._filled()
            inner = _listed(self._classes(filled[0]))
            if self._classes_within_all():
                return (
                    f"{_listed(filled)}, each with the classes {inner}. Then call them "
                    f"{', '.join(examples.SPLITS)}."
                )
            return f"{inner}, each with {_listed(filled)}. {say_so}"
        if train:
            left_out = [n for n in self._splits if not self._classes(n)]
            left_out += self._others()
            classes = _listed(self._classes(train[0]))
            more = f"; left out: {_listed(left_out)}" if left_out else ""
            return f"{train[0]} with the classes {classes}{more}. {say_so}"
        named = _listed(self._splits)
        if self._of(TRAIN):
            return (
                f"{named}. Then the labels are missing: put the files of "
                f"{self._of(TRAIN)[0]} into a folder for each class, or list them with "
                "their labels in a table, --dataset=csv:TABLE."
            )
        return (
            f"{named}, beside the classes. Then put the class folders into a folder "
            f"train beside {named}, or move {named} elsewhere."
        )


def _unlabelled(by_split: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the training folders of no class, which other splits do not have."""
    elsewhere = {n for s, found in by_split.items() if s != TRAIN for n in found}
    return {
        name: path
        for name, path in by_split.get(TRAIN, {}).items()
        if elsewhere and name not in elsewhere and name.lower() in _UNLABELLED
    }


def _sorted(
    by_split: Mapping[str, Mapping[str, str]],
) -> dict[str, Mapping[str, str]]:
    return {split: by_split[split] for split in examples.SPLITS if split in by_split}


def _listed(names: Iterable[str]) -> str:
    return errors.listed(names, most=_SHOWN)
