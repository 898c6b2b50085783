"""Images in folders: one folder per class, with or without train/ and val/ above.

The classes are the sub-folders of the training folder, sorted by name; every image
below one belongs to it, however deep.
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

IMAGE_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp")
SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
_LAYOUT = "one sub-folder per class with images in it, or train/ and val/ with these"


def check(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes without listing every file; remote folders wait for `load`.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it does not hold at least two classes with images.
    """
    if not filesystem.is_remote(path):
        _check_classes(_class_folders(path, config), config)


def load(path: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of a folder.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it does not hold at least two classes with images.
    """
    by_split = _class_folders(path, config)
    label_map = _check_classes(by_split, config)
    root = filesystem.expand(path)
    found, numbers, split_names = [], [], []
    for split, class_folders in by_split.items():
        for name, folder in class_folders.items():
            images = list(_images(folder))
            if not images:  # It may be of no class.
                continue
            found += images
            numbers += [label_map.index(name)] * len(images)
            split_names += [split] * len(images)
    table = examples.Table(
        ids=np.array([_relative(entry.path, root) for entry in found]),
        labels=np.array(numbers, dtype=np.int32),
        sizes=np.array([entry.size for entry in found], dtype=np.int64),
        split_names=np.array(split_names),
        read=file_reader.Files([entry.path for entry in found]),
    )
    return splits.assemble(label_map, table, config)


def _class_folders(
    path: str, config: config_lib.DataConfig
) -> dict[str, dict[str, str]]:
    """Return for each split the paths of its class folders by name, sorted."""
    root = filesystem.expand(path)
    if not path or not filesystem.is_folder(root):
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected a folder with {_LAYOUT}; there is "
            f"no folder {root!r}. {_near_folder(root)}"
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
    by_split: dict[str, dict[str, str]], config: config_lib.DataConfig
) -> labels.LabelMap:
    """Return the classes of the training folder, each of which has an image."""
    train = by_split[TRAIN]
    if len(train) < 2:
        received = f"1, {next(iter(train))!r}" if train else "none"
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {_LAYOUT}, at least 2 classes; "
            f"received {received}."
        )
    empty = [name for name, folder in train.items() if not any(_images(folder))]
    if empty:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected images "
            f"({', '.join(IMAGE_ENDINGS)}) in every class folder; there are none in: "
            f"{', '.join(empty)}. Remove these folders or fill them."
        )
    for split, class_folders in by_split.items():
        extra = [
            name
            for name, folder in class_folders.items()
            if name not in train and any(_images(folder))
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


def _images(folder: str, parents: tuple[str, ...] = ()) -> Iterator[filesystem.Entry]:
    """Yield the images at any depth, sorted; follows links, each loop once."""
    real = os.path.realpath(folder)
    if real in parents:
        logging.warning("Left out %s: the link leads back to a folder above.", folder)
        return
    for entry in filesystem.entries(folder):
        if entry.is_folder:
            yield from _images(entry.path, (*parents, real))
        elif entry.name.lower().endswith(IMAGE_ENDINGS):
            yield entry


def _relative(path: str, root: str) -> str:
    return path[len(root) :].replace(os.sep, "/").lstrip("/")


def _near_folder(root: str) -> str:
    parent, name = os.path.split(root.rstrip("/"))
    if filesystem.is_remote(root) or not os.path.isdir(parent or "."):
        return "Check the path."
    return errors.closest(name, _folders(parent or ".")) + f" (in {parent or '.'})"
