"""Files in folders: one folder per class, with or without train/ and val/ above.

The classes are the sub-folders of the training folder, sorted by name; every file of
the right ending below one belongs to it, however deep.
"""

import os
from collections.abc import Iterator

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, labels, splits
from kft.data.examples import TEST, TRAIN, VALIDATION
from kft.data.sources import file_reader, filesystem
from kft.data.sources.payload_kind import PayloadKind

SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


def check(path: str, config: config_lib.DataConfig, payload: PayloadKind) -> None:
    """Find mistakes without listing every file; remote folders wait for `load`.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it does not hold at least two classes with files of that
            kind.
    """
    if not filesystem.is_remote(path):
        _check_classes(_class_folders(path, config, payload), config, payload)


def load(
    path: str, config: config_lib.DataConfig, payload: PayloadKind
) -> examples.Splits:
    """Return the splits of a folder.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it does not hold at least two classes with files of that
            kind.
    """
    by_split = _class_folders(path, config, payload)
    label_map = _check_classes(by_split, config, payload)
    root = filesystem.expand(path)
    entries: list[filesystem.FolderEntry] = []
    numbers, split_names = [], []
    for split, class_folders in by_split.items():
        for name, folder in class_folders.items():
            files = list(_files(folder, payload.file_endings))
            if not files:  # It may be of no class.
                continue
            entries += files
            numbers += [label_map.index(name)] * len(files)
            split_names += [split] * len(files)
    table = examples.Table(
        ids=np.array([_relative(entry.path, root) for entry in entries]),
        labels=np.array(numbers, dtype=np.int32),
        sizes=np.array([entry.size for entry in entries], dtype=np.int64),
        split_names=np.array(split_names),
        read=file_reader.Files([entry.path for entry in entries]),
    )
    return splits.assemble(label_map, table, config)


def _layout(payload: PayloadKind) -> str:
    return (
        f"one sub-folder per class with {payload.noun} in it, or train/ and val/ with "
        "these"
    )


def _class_folders(
    path: str, config: config_lib.DataConfig, payload: PayloadKind
) -> dict[str, dict[str, str]]:
    """Return for each split the paths of its class folders by name, sorted."""
    root = filesystem.expand(path)
    if not path or not filesystem.is_folder(root):
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected a folder with "
            f"{_layout(payload)}; there is no folder {root!r}. {_near_folder(root)}"
        )
    children = _folders(root)
    if not _has_split_layout(children):
        return {TRAIN: children}
    by_split: dict[str, dict[str, str]] = {}
    for name, folder in children.items():
        split = SPLIT_FOLDERS[name.lower()]
        if split in by_split:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected one folder for each split, "
                f"received several for {split}: {', '.join(children)}."
            )
        by_split[split] = _folders(folder)
    if TRAIN not in by_split:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected a folder train beside "
            f"{', '.join(children)}."
        )
    return {split: by_split[split] for split in examples.SPLITS if split in by_split}


def _has_split_layout(children: dict[str, str]) -> bool:
    """Tell train/ and val/ with classes in them from classes of these names."""
    return bool(children) and all(
        name.lower() in SPLIT_FOLDERS and _folders(folder)
        for name, folder in children.items()
    )


def _check_classes(
    by_split: dict[str, dict[str, str]],
    config: config_lib.DataConfig,
    payload: PayloadKind,
) -> labels.LabelMap:
    """Return the classes of the training folder, each of which has a file."""

    def has_files(folder: str) -> bool:
        return any(True for _ in _files(folder, payload.file_endings))

    train = by_split[TRAIN]
    if len(train) < 2:
        received = f"1, {next(iter(train))!r}" if train else "none"
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {_layout(payload)}, at least "
            f"2 classes; received {received}."
        )
    empty = [name for name, folder in train.items() if not has_files(folder)]
    if empty:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} "
            f"({', '.join(payload.file_endings)}) in every class folder; there are "
            f"none in: {', '.join(empty)}. Remove these folders or fill them."
        )
    for split, class_folders in by_split.items():
        extra = [
            name
            for name, folder in class_folders.items()
            if name not in train and has_files(folder)
        ]
        if extra:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected in {split} only classes of the "
                f"training folder; these are not there: {', '.join(extra)}. "
                f"{errors.closest(extra[0], train)}"
            )
    return labels.LabelMap(tuple(train))


def _folders(folder: str) -> dict[str, str]:
    return {e.name: e.path for e in filesystem.entries(folder) if e.is_folder}


def _files(
    folder: str, endings: tuple[str, ...], parents: tuple[str, ...] = ()
) -> Iterator[filesystem.FolderEntry]:
    """Yield the files at any depth, sorted; follows links, each loop once."""
    real = os.path.realpath(folder)
    if real in parents:
        logging.warning("Left out %s: the link leads back to a folder above.", folder)
        return
    for entry in filesystem.entries(folder):
        if entry.is_folder:
            yield from _files(entry.path, endings, (*parents, real))
        elif entry.name.lower().endswith(endings):
            yield entry


def _relative(path: str, root: str) -> str:
    return path[len(root) :].replace(os.sep, "/").lstrip("/")


def _near_folder(root: str) -> str:
    parent, name = os.path.split(root.rstrip("/"))
    if filesystem.is_remote(root) or not os.path.isdir(parent or "."):
        return "Check the path."
    return errors.closest(name, _folders(parent or ".")) + f" (in {parent or '.'})"
