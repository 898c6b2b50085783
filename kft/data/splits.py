"""Splits that stay the same when the data grows.

Each example goes where a hash of its id says: the hash is a number in [0, 1), and the
thresholds are the fractions. So the split of an example depends on nothing but its own
id, not on the other examples and not on `--seed`: examples that are added or removed
never move the others, and runs with different seeds can be compared. The price: the
share of a class is the fraction only up to chance (for 100 examples and 0.2, 20 +- 4).
To fix every share to the example, an old one would have to move when one is added.

One exception: of a class that would have no training example by chance, as happens to
classes of one to three, the one nearest to training, by its hash, goes there.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import (
    cut_folds,
    examples,
    label_arrays,
    label_cautions,
    labels,
    split_file,
)
from kft.data.examples import CLASSES, TEST, TRAIN, VALIDATION

_SHOWN = 20


def hash_ids(ids: Iterable[str]) -> np.ndarray:
    """Return a uint64 [n] per id: BLAKE2b, the same on every machine and version."""
    digests = b"".join(
        hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in ids
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def assign(
    ids: Iterable[str], *, validation_fraction: float, test_fraction: float
) -> np.ndarray:
    """Return the split of each id, str [n]; see the head of this file.

    Test takes the lowest hashes and validation those above, so that a larger
    `validation_fraction` only adds to validation.
    """
    position = (hash_ids(ids) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    split_names = np.full(len(position), TRAIN, dtype=object)
    split_names[position < test_fraction + validation_fraction] = VALIDATION
    split_names[position < test_fraction] = TEST
    return split_names.astype(str)


def few_of_each(
    ids: np.ndarray, class_ids: np.ndarray, split_names: np.ndarray, *, number: int
) -> np.ndarray:
    """Return which examples are among the first of training of their class, bool [n].

    The order is that of a hash of the id, another one than `assign` uses: a smaller
    number gives a part of what a larger one gives, and examples that are added or
    removed move no others but those they make room for.

    Args:
        ids: str [n].
        class_ids: int [n].
        split_names: str [n].
        number: most examples of a class.
    """
    hashes = hash_ids(f"few of each\0{name}" for name in ids)
    chosen = np.zeros(len(ids), dtype=bool)
    for class_id in np.unique(class_ids):
        members = np.flatnonzero((class_ids == class_id) & (split_names == TRAIN))
        first = np.argsort(hashes[members], kind="stable")[:number]
        chosen[members[first]] = True
    return chosen


def check_fractions(config: config_lib.DataConfig) -> None:
    """Check that something is left to train on.

    Raises:
        errors.ConfigError: where the fractions together take everything.
    """
    cut_folds.check(config)
    held_out = config.validation_fraction + config.test_fraction
    if held_out > 0.95:
        raise errors.ConfigError(
            "--validation_fraction and --test_fraction: expected a sum of at most "
            f"0.95, received {config.validation_fraction} + {config.test_fraction}: "
            "too little is left to train on."
        )


def assemble(
    label_map: labels.LabelMap,
    table: examples.Table,
    config: config_lib.DataConfig,
    *,
    labels_are: str = CLASSES,
) -> examples.Splits:
    """Return the splits of what a source found.

    Splits that the data names itself are kept; a validation or test split that is
    missing is cut from the training split by `assign`, as the fractions say; groups
    are cut as a whole. With `--split_file` that file decides, and nothing is cut.
    `--examples_per_class` takes some of what is then in the training split.

    Args:
        label_map: what labels are numbers of.
        table: all examples.
        config: of the data.
        labels_are: what messages call labels; names are looked at where it is
            `examples.CLASSES`.

    Raises:
        errors.ConfigError: for fractions that leave nothing to train on, or
            `--examples_per_class` where examples are not of one class each.
        errors.DataError: for ids that repeat, classes that only white space tells
            apart, or a split that comes out without the examples it needs.
    """
    check_fractions(config)
    _check_ids(table.ids)
    if labels_are == CLASSES:
        label_cautions.check(label_map, table, config)
    if config.split_file is None:
        split_names = _cut(label_map, table, config)
        _keep_one_of_each(label_map, table, split_names)
    else:
        split_names = split_file.split_names(config.split_file, label_map, table)
        _check_groups(table, split_names)
    if config.examples_per_class is not None:
        _leave_few(label_map, table, split_names, config.examples_per_class)
    _check_splits(label_map, table, split_names, config, labels_are=labels_are)
    _say_without_class(table, config)
    rows = {split: np.flatnonzero(split_names == split) for split in examples.SPLITS}
    parts = {split: table.examples(r) for split, r in rows.items() if len(r)}
    return examples.Splits(
        labels=label_map,
        train=parts[TRAIN],
        validation=parts.get(VALIDATION),
        test=parts.get(TEST),
        fingerprint=_fingerprint(label_map, table, split_names),
        source=config.dataset,
        labels_are=labels_are,
    )


def uncut(label_map: labels.LabelMap, table: examples.Table) -> examples.Labelled:
    """Return what a source found in the splits that the data itself names.

    Raises:
        errors.DataError: for ids that repeat.
    """
    _check_ids(table.ids)
    rows = {s: np.flatnonzero(table.split_names == s) for s in examples.SPLITS}
    parts = {split: table.examples(r) for split, r in rows.items() if len(r)}
    return examples.Labelled(label_map, parts)


def _cut(
    label_map: labels.LabelMap, table: examples.Table, config: config_lib.DataConfig
) -> np.ndarray:
    """Return the split of each example, str [n]: the data's own, or else a cut.

    With a fold that validates, those of training and validation are cut anew.
    """
    split_names = table.split_names.astype(f"<U{len(VALIDATION)}")
    own = set(np.unique(split_names))
    fold = config.held_out_fold
    has_validation = fold is not None or VALIDATION in own
    if fold is not None and VALIDATION in own:
        logging.info(
            "--folds=%d: the validation examples that the data names are cut into "
            "folds together with those of training.",
            fold.of,
        )
        split_names[split_names == VALIDATION] = TRAIN
    pool = np.flatnonzero(split_names == TRAIN)
    split_names[pool] = assign(
        _hashed(table)[pool],
        validation_fraction=0.0 if has_validation else config.validation_fraction,
        test_fraction=0.0 if TEST in own else config.test_fraction,
    )
    if fold is not None:
        pool = np.flatnonzero(split_names == TRAIN)
        keys = _hashed(table)[pool]
        order = np.argsort(hash_ids(keys), kind="stable")
        targets = table.examples(pool).labels
        validates = cut_folds.cut(keys, order, targets, label_map, fold)
        split_names[pool[validates]] = VALIDATION
    return split_names


def _keep_one_of_each(
    label_map: labels.LabelMap, table: examples.Table, split_names: np.ndarray
) -> None:
    """Give each class that the cut left without training examples one in `split_names`.

    It is the one that a smaller fraction would leave there first, with its whole group.
    """
    if not label_arrays.is_one_class_each(table.labels):
        return
    cut = (table.split_names == TRAIN) & (split_names != TRAIN)
    class_ids = np.asarray(table.labels)
    there = np.bincount(class_ids[split_names == TRAIN], minlength=len(label_map))
    kept = []
    keys = _hashed(table)
    for class_id in np.flatnonzero(there == 0):
        is_member = class_ids == class_id
        members = np.flatnonzero(cut & is_member)
        # It may have come with the group of another class by now.
        if not len(members) or (split_names[is_member] == TRAIN).any():
            continue
        nearest = keys[members[np.argmax(hash_ids(keys[members]))]]
        split_names[cut & (keys == nearest)] = TRAIN
        kept.append(f"{label_map.names[class_id]} ({len(members)})")
    if kept:
        logging.warning(
            "Too few examples for the split by the hash of their ids, so that one of "
            "each of these classes was moved to the training split: %s. Whether a "
            "class is learned cannot be measured on so few.",
            errors.listed(kept, most=_SHOWN),
        )


def _hashed(table: examples.Table) -> np.ndarray:
    """Return what decides into which split an example goes: its group, else its id."""
    if table.groups is None:
        return table.ids
    return np.where(table.groups == "", table.ids, table.groups)


def _check_ids(ids: np.ndarray) -> None:
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        repeated = unique[counts > 1]
        raise errors.DataError(
            f"Example ids: expected each once, received {len(repeated)} repeatedly, "
            f"such as {str(repeated[0])!r}."
        )


def _leave_few(
    label_map: labels.LabelMap,
    table: examples.Table,
    split_names: np.ndarray,
    number: int,
) -> None:
    """Leave that many training examples of a class in `split_names`; name smaller ones.

    Raises:
        errors.ConfigError: where examples are not of one class each.
    """
    flag = f"--examples_per_class={number}"
    class_ids = label_arrays.require_one_class_each(table.labels, flag)
    few = few_of_each(table.ids, class_ids, split_names, number=number)
    split_names[(split_names == TRAIN) & ~few] = split_file.LEFT_OUT
    counts = _counts(table, split_names == TRAIN, label_map)
    fewer = _names(label_map, (counts > 0) & (counts < number))
    if fewer:
        logging.warning(
            "--examples_per_class=%d: these classes have fewer: %s.", number, fewer
        )


def _counts(
    table: examples.Table, is_chosen: np.ndarray, label_map: labels.LabelMap
) -> np.ndarray:
    """Return how often each class is there among some examples, int64 [classes]."""
    chosen = table.examples(np.flatnonzero(is_chosen))
    return label_arrays.count(chosen.labels, len(label_map))


def _check_groups(table: examples.Table, split_names: np.ndarray) -> None:
    """Check that no group is in two splits."""
    if table.groups is None:
        return
    first: dict[str, str] = {}
    for group, split in zip(table.groups.tolist(), split_names.tolist(), strict=True):
        if group and split and first.setdefault(group, split) != split:
            raise errors.DataError(
                f"Splits: expected the group {group!r} in one split, received it in "
                f"{first[group]} and {split}."
            )


def _check_splits(
    label_map: labels.LabelMap,
    table: examples.Table,
    split_names: np.ndarray,
    config: config_lib.DataConfig,
    *,
    labels_are: str,
) -> None:
    counts = {s: _counts(table, split_names == s, label_map) for s in examples.SPLITS}
    missing = _names(label_map, counts[TRAIN] == 0)
    _check_training(missing, table, config, labels_are=labels_are)
    for split, fraction in (
        (VALIDATION, config.validation_fraction),
        (TEST, config.test_fraction),
    ):
        is_there = (split_names == split).any()
        if config.split_file is None and fraction > 0 and not is_there:
            raise errors.DataError(
                f"--{split}_fraction={fraction}: of the {_sized(table)} of "
                f"--dataset={config.dataset} none falls into the {split} split. Raise "
                "the fraction, add examples, or set it to 0 to go without. "
                f"{label_cautions.on_many_classes(label_map, table)}".rstrip()
            )
        missing = _names(label_map, counts[split] == 0)
        if missing and is_there:
            what = (split, labels_are, missing)
            logging.warning("No %s examples of these %s: %s.", *what)


def _sized(table: examples.Table) -> str:
    """Return how many examples there are, and of how many groups, which stay whole."""
    if table.groups is None:
        return f"{len(table.ids)} examples"
    return f"{len(table.ids)} examples in {len(np.unique(_hashed(table)))} groups"


def _check_training(
    missing: str,
    table: examples.Table,
    config: config_lib.DataConfig,
    *,
    labels_are: str,
) -> None:
    """Check that each class has training examples.

    A class that is one of several of an example, or that of a step, may be so rare that
    it has none by chance; then a warning says so.

    Args:
        missing: names of the classes that have none.
        table: all examples.
        config: of the data.
        labels_are: what messages call them.
    """
    if not missing:
        return
    if not label_arrays.is_one_class_each(table.labels):
        logging.warning("No training examples of these %s: %s.", labels_are, missing)
        return
    if config.split_file is not None:
        raise errors.DataError(
            f"--split_file={config.split_file}: expected training examples of every "
            f"class of --dataset={config.dataset}; there are none of: {missing}."
        )
    raise errors.DataError(
        f"--dataset={config.dataset}: expected training examples of every class; "
        f"after the split there are none of: {missing}. Add examples, or lower "
        "--validation_fraction and --test_fraction."
    )


def _say_without_class(table: examples.Table, config: config_lib.DataConfig) -> None:
    """Say how many examples are of none of several classes: they may lack a label."""
    without = label_arrays.without_class(table.labels)
    if without:
        logging.info(
            "--dataset=%s: %d of %d examples are of no class.",
            *(config.dataset, without, len(table.ids)),
        )


def _names(label_map: labels.LabelMap, chosen: np.ndarray) -> str:
    return ", ".join(label_map.names[index] for index in np.flatnonzero(chosen))


def _fingerprint(
    label_map: labels.LabelMap, table: examples.Table, split_names: np.ndarray
) -> str:
    digest = hashlib.sha256(label_map.text().encode())
    used = np.flatnonzero(split_names != split_file.LEFT_OUT)
    for names in (table.ids[used], split_names[used]):
        digest.update("\0".join(names.tolist()).encode() + b"\0\0")
    digest.update(label_arrays.to_bytes(table.examples(used).labels))
    digest.update(table.sizes[used].astype("<i8").tobytes())
    return digest.hexdigest()
