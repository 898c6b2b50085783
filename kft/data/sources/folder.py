"""Files in folders: one folder per class, with or without train/ and val/ above.

The classes are the sub-folders of the training folder, sorted by name; every file of
the right ending below one belongs to it, however deep. Where a metadata.csv or
metadata.jsonl lists the files of the folder, that says what there is; see
`metadata_files`.
"""

import collections
import functools
import os
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.sources import (
    csv_file,
    file_reader,
    filesystem,
    folder_layout,
    labelled_rows,
    metadata_folder,
    same_files,
)
from kft.data.sources.folder_layout import FolderLayout
from kft.data.sources.folder_tree import FolderTree
from kft.data.sources.labelled_rows import LabelledRow, RowClasses
from kft.data.sources.left_out import LeftOut
from kft.data.sources.payload_kind import PayloadKind

_SHOWN = 8


def check(path: str, config: config_lib.DataConfig, payload: PayloadKind) -> None:
    """Find mistakes without listing every file; remote folders wait for `load`.

    Raises:
        errors.ConfigError: where there is no such folder, or it has one class for each
            example and `--multi_label` asks for several.
        errors.DataError: where it does not hold at least two classes with files of that
            kind.
    """
    if not filesystem.is_remote(path):
        rows = _listed_files(path, config, payload)
        if rows:
            labelled_rows.classes(rows, config)
            return
        tree = FolderTree(payload.file_endings)
        layout = _find_layout(path, config, payload, tree)
        _check_classes(layout.by_split, config, payload, tree)


def check_options(
    path: str, config: config_lib.DataConfig, payload: PayloadKind
) -> None:
    """Check that no option is about a table where the folder has none.

    Raises:
        errors.ConfigError: naming the option.
        errors.DataError: for tables that cannot be used.
    """
    read_rows = functools.partial(_listed_files, payload=payload)
    metadata_folder.check_options(path, config, read_rows)


def load(
    path: str, config: config_lib.DataConfig, payload: PayloadKind
) -> examples.Splits:
    """Return the splits of a folder.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it does not hold at least two classes with files of that
            kind.
    """
    rows = _listed_files(path, config, payload)
    if rows:
        found = labelled_rows.classes(rows, config)
        table = _table_of_rows(path, rows, found, config, payload)
        return splits.assemble(found.labels, table, config)
    tree = FolderTree(payload.file_endings)
    layout = _find_layout(path, config, payload, tree)
    label_map = _check_classes(layout.by_split, config, payload, tree)
    if tree.runs:
        logging.warning(
            "--dataset=%s: left out, for runs of kft are in them: %s.",
            config.dataset,
            errors.listed(tree.runs, most=_SHOWN),
        )
    table = _table(path, config, payload, layout, label_map)
    return splits.assemble(label_map, table, config)


def load_known(
    path: str, config: config_lib.DataConfig, known: LabelMap, payload: PayloadKind
) -> examples.Labelled:
    """Return the examples of a folder for a run, of which classes may be missing.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: where it has no class folder with files of that kind.
    """
    rows = _listed_files(path, config, payload, known=known.names)
    if rows:
        found = labelled_rows.classes(rows, config, known=known)
        table = _table_of_rows(path, rows, found, config, payload)
        return splits.uncut(found.labels, table)
    tree = FolderTree(payload.file_endings)
    layout = _find_layout(path, config, payload, tree, known=known.names)
    names = {
        name
        for class_folders in layout.by_split.values()
        for name, folder in class_folders.items()
        if tree.has_files(folder)
    }
    if not names:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} "
            f"({', '.join(payload.file_endings)}) in a folder for each class, received "
            "none."
        )
    label_map = known.with_others(names)
    table = _table(path, config, payload, layout, label_map)
    return splits.uncut(label_map, table)


def _listed_files(
    path: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    known: Collection[str] | None = None,
) -> list[LabelledRow]:
    """Return the rows that list the files; none where the folders say what there is."""
    rows = metadata_folder.read(path, csv_file.COLUMNS, config, payload, known=known)
    csv_file.check_once(metadata_folder.table(path), rows)
    return rows


def _table_of_rows(
    path: str,
    rows: Sequence[LabelledRow],
    found: RowClasses,
    config: config_lib.DataConfig,
    payload: PayloadKind,
) -> examples.Table:
    labelled_rows.warn(metadata_folder.cautions(path, rows, payload), config)
    return csv_file.table_of(metadata_folder.table(path), rows, found, config)


def _table(
    path: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    layout: FolderLayout,
    label_map: LabelMap,
) -> examples.Table:
    """Return the files of the class folders, and say which files are none of them."""
    tree = FolderTree(payload.file_endings)
    root = filesystem.expand(path)
    left_out = LeftOut(f"--dataset={config.dataset}", payload)
    entries: list[filesystem.FolderEntry] = []
    numbers, split_names = [], []
    for split, class_folders in layout.by_split.items():
        for name, folder in class_folders.items():
            found = tree.list_files(folder)
            left_out.add_class(name, len(found.files), found.others)
            left_out.add_hidden(f"{_relative(folder, root)}/", found.hidden)
            if not found.files:  # It may be of no class.
                continue
            entries += found.files
            numbers += [label_map.index(name)] * len(found.files)
            split_names += [split] * len(found.files)
    _count_unlabelled(left_out, layout, tree, root)
    left_out.say()
    ids = [_relative(entry.path, root) for entry in entries]
    _caution([entry.name for entry in entries], config, payload)
    same = [entry.identity for entry in entries]
    labelled_rows.warn(same_files.caution(payload.noun, ids, same), config)
    _say_folders_in_classes(layout, tree, config)
    return examples.Table(
        ids=np.array(ids),
        labels=np.array(numbers, dtype=np.int32),
        sizes=np.array([entry.size for entry in entries], dtype=np.int64),
        split_names=np.array(split_names),
        read=file_reader.Files([entry.path for entry in entries]),
    )


def _caution(
    names: Sequence[str], config: config_lib.DataConfig, payload: PayloadKind
) -> None:
    """Say what is to be known of files with certain endings."""
    endings = collections.Counter(os.path.splitext(name)[1].lower() for name in names)
    counts = collections.Counter[str]()
    for ending, sentence in payload.caution_on_endings.items():
        counts[sentence] += endings[ending]
    for sentence, number in counts.items():
        if number:
            logging.warning(
                "--dataset=%s: %d of %d %s. %s",
                config.dataset,
                number,
                len(names),
                payload.noun,
                sentence,
            )


def _count_unlabelled(
    left_out: LeftOut, layout: FolderLayout, tree: FolderTree, root: str
) -> None:
    """Count what is in folders that are left out, and beside those of the classes."""
    for folder in layout.not_used:
        files = tree.list_files(folder).files
        left_out.add_unlabelled(_relative(folder, root) + "/", len(files))
    parents = {
        os.path.dirname(folder)
        for class_folders in layout.by_split.values()
        for folder in class_folders.values()
    }
    for folder in sorted({root, *parents}):
        place = _relative(folder, root)
        place = f"{place}/" if place else "the folder itself"
        left_out.add_unlabelled(place, tree.direct_files(folder))
        left_out.add_hidden(place, tree.direct_hidden_files(folder))


def _say_folders_in_classes(
    layout: FolderLayout, tree: FolderTree, config: config_lib.DataConfig
) -> None:
    """Say what the classes are, where those of the user may be a level further down.

    That is so where every class has nothing but several folders, called otherwise in
    each: kinds in groups. The folders may as well be those of patients or of days.
    """
    train = layout.by_split.get(TRAIN, {})
    inner = {name: list(tree.folders(folder)) for name, folder in train.items()}
    names = [one for folders in inner.values() for one in folders]
    if (
        not all(len(folders) > 1 for folders in inner.values())
        or len(set(names)) < len(names)
        or any(tree.direct_files(folder) for folder in train.values())
    ):
        return
    logging.info(
        "--dataset=%s: the classes are %s; the folders in them (%s) are not told "
        "apart. If these are the classes, list the files in a table: "
        "--dataset=csv:TABLE.",
        config.dataset,
        errors.listed(list(train), most=_SHOWN),
        errors.listed(names, most=_SHOWN),
    )


def _layout(payload: PayloadKind) -> str:
    return (
        f"one sub-folder per class with {payload.noun} in it, or train/ and val/ with "
        "these"
    )


def _find_layout(
    path: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    tree: FolderTree,
    *,
    known: Collection[str] = (),
) -> FolderLayout:
    """Return where the class folders of each split are; see `folder_layout.find`."""
    root = filesystem.expand(path)
    if not path or not filesystem.is_folder(root):
        is_packed = root.lower().endswith(filesystem.ARCHIVES)
        near = "Unpack it first." if is_packed else _near_folder(root)
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected a folder with "
            f"{_layout(payload)}; there is no folder {root!r}. {near}"
        )
    metadata_folder.check_one_class_each(config)
    flag = f"--dataset={config.dataset}"
    return folder_layout.find(root, tree, config.folder_layout, flag, known=known)


def _check_classes(
    by_split: Mapping[str, Mapping[str, str]],
    config: config_lib.DataConfig,
    payload: PayloadKind,
    tree: FolderTree,
) -> LabelMap:
    """Return the classes of the training folder, each of which has a file."""
    train = by_split[TRAIN]
    if len(train) < 2:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {_layout(payload)}, at least "
            f"2 classes; received {_too_few(train, config, tree)}"
        )
    empty = [name for name, folder in train.items() if not tree.has_files(folder)]
    if empty:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} "
            f"({', '.join(payload.file_endings)}) in every class folder; there are "
            f"none in: {', '.join(empty)}. {_advice_on_empty(empty, payload, train)}"
        )
    for split, class_folders in by_split.items():
        extra = [
            name
            for name, folder in class_folders.items()
            if name not in train and tree.has_files(folder)
        ]
        if extra:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected in {split} only classes of the "
                f"training folder; these are not there: {', '.join(extra)}. "
                f"{errors.closest(extra[0], train)}"
            )
    return LabelMap(tuple(train))


def _too_few(
    train: Mapping[str, str], config: config_lib.DataConfig, tree: FolderTree
) -> str:
    """Return what there is in place of two classes, and what may be meant."""
    if not train:
        return (
            "none. Where the labels are in the names of the files or in a table, list "
            "the files with their labels: --dataset=csv:TABLE."
        )
    name, folder = next(iter(train.items()))
    inner = tree.folders(folder)
    if len(inner) < 2:
        return f"1, {name!r}."
    shown = ", ".join(list(inner)[:3])
    more = ", ..." if len(inner) > 3 else ""
    nested = f"{config.dataset.rstrip('/')}/{name}"
    return (
        f"1, {name!r}. If the classes are the folders in it ({shown}{more}): "
        f"--dataset={nested}"
    )


def _advice_on_empty(
    empty: Sequence[str], payload: PayloadKind, train: Mapping[str, str]
) -> str:
    others = collections.Counter[str]()
    for name in empty:
        others += FolderTree(payload.file_endings).list_files(train[name]).others
    known = payload.advice_on_endings
    said = [f" {known[ending]}" for ending in sorted(others) if ending in known]
    held = ", ".join(f"{e or 'no ending'} {n}" for e, n in others.most_common(5))
    received = f" They hold: {held}." if held else ""
    return "Remove these folders or fill them." + received + "".join(said)


def _relative(path: str, root: str) -> str:
    return path[len(root) :].replace(os.sep, "/").lstrip("/")


def _near_folder(root: str) -> str:
    parent, name = os.path.split(root.rstrip("/"))
    if filesystem.is_remote(root) or not os.path.isdir(parent or "."):
        return "Check the path."
    folders = [e.name for e in filesystem.entries(parent or ".") if e.is_folder]
    return errors.closest(name, folders) + f" (in {parent or '.'})"
