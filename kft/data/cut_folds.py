"""Parts of a data set that take turns to validate."""

import warnings

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import label_arrays, labels
from kft.data.label_arrays import Labels

_SHOWN = 8


def check(config: config_lib.DataConfig) -> None:
    """Check that nothing else says what validates.

    Raises:
        errors.ConfigError: naming the flags.
    """
    fold = config.held_out_fold
    if fold is None:
        return
    flag = f"--folds={fold.of}"
    if fold.number >= fold.of:
        raise errors.ConfigError(
            f"{flag}: expected --fold from 0 to {fold.of - 1}, received {fold.number}."
        )
    if config.split_file is not None:
        raise errors.ConfigError(
            f"{flag} and --split_file both say what is in a split; remove one."
        )


def assign(
    keys: np.ndarray, order: np.ndarray, class_ids: np.ndarray | None, number: int
) -> np.ndarray:
    """Return the fold of each example, int64 [n], from 0 to number - 1.

    Every fold has as many of each class as can be. That is scikit-learn's
    StratifiedKFold, with groups its StratifiedGroupKFold; without classes its KFold or
    GroupKFold. The examples are dealt in the order of their hashes, so that the folds
    do not depend on where the data lies.

    Args:
        keys: str [n]; examples of one key, such as those of a group, stay in one fold.
        order: int [n], the positions of the examples in the order in which they are
            dealt.
        class_ids: int [n]; None where an example has not one class.
        number: of folds.
    """
    from sklearn import model_selection

    has_groups = len(np.unique(keys)) < len(keys)
    of_classes = (
        model_selection.StratifiedKFold,
        model_selection.StratifiedGroupKFold,
    )
    of_any = (model_selection.KFold, model_selection.GroupKFold)
    splitter = (of_any if class_ids is None else of_classes)[has_groups](number)
    found = np.zeros(len(keys), np.int64)
    with warnings.catch_warnings():
        # Of classes with fewer examples than folds, which `cut` names.
        warnings.filterwarnings("ignore", message="The least populated class")
        parts = splitter.split(
            np.zeros(len(keys)),
            None if class_ids is None else class_ids[order],
            groups=keys[order] if has_groups else None,
        )
        for fold, (_, held_out) in enumerate(parts):
            found[order[held_out]] = fold
    return found


def cut(
    keys: np.ndarray,
    order: np.ndarray,
    targets: Labels,
    label_map: labels.LabelMap,
    fold: config_lib.Fold,
) -> np.ndarray:
    """Return which examples validate, bool [n].

    Args:
        keys: see `assign`.
        order: likewise.
        targets: labels of the examples.
        label_map: names of their classes.
        fold: the part that validates.

    Raises:
        errors.DataError: where there are fewer examples, or groups of them, than folds.
    """
    flag = f"--folds={fold.of}"
    parts = len(np.unique(keys))
    if parts < fold.of:
        what = "examples" if parts == len(keys) else "groups, each of which stays whole"
        raise errors.DataError(f"{flag}: expected as many {what}, received {parts}.")
    class_ids = None
    if label_arrays.is_one_class_each(targets):
        class_ids = np.asarray(targets)
        counts = label_arrays.count(class_ids, len(label_map))
        if counts.max() < fold.of:
            raise errors.DataError(
                f"{flag}: expected a class with as many examples, received at most "
                f"{counts.max()}. Give fewer folds."
            )
        few = [
            label_map.names[i]
            for i in np.flatnonzero((counts > 0) & (counts < fold.of))
        ]
        if few:
            logging.warning(
                "%s: these classes have fewer examples than there are folds, so that "
                "some folds have none of them: %s.",
                *(flag, errors.listed(few, most=_SHOWN)),
            )
    return np.asarray(assign(keys, order, class_ids, fold.of) == fold.number)
