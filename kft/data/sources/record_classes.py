"""The classes of records: by number, by name, or by both."""

from collections.abc import Mapping

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import labels
from kft.data.examples import TRAIN
from kft.data.sources import label_file


def classes(
    columns: Mapping[str, np.ndarray],
    split_names: np.ndarray,
    config: config_lib.DataConfig,
    *,
    option: str,
    of_run: labels.LabelMap | None = None,
) -> tuple[labels.LabelMap, np.ndarray]:
    """Return the classes of the training records, and that of each record, int32 [n].

    They are in the order of their numbers, or of their names where there are no
    numbers.

    Args:
        columns: label, text or both, [n] each.
        split_names: the split of each record, [n].
        config: of the data.
        option: of it that may name a file with the names of the classes.
        of_run: classes of a run, which come first.

    Raises:
        errors.ConfigError: where the file is missing.
        errors.DataError: where numbers and names do not fit together, a number is not
            whole, or a class has no training records.
    """
    columns = _with_whole_numbers(columns, config)
    texts = columns.get("text")
    keys = columns["label" if "label" in columns else "text"]
    known, first = np.unique(keys[split_names == TRAIN], return_index=True)
    if not len(known):
        raise errors.DataError(
            f"--dataset={config.dataset}: expected training records, received none."
        )
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    is_known = known[places] == keys
    if not is_known.all():
        row = int(np.argmin(is_known))
        raise errors.DataError(
            f"--dataset={config.dataset}: expected in {split_names[row]} only classes "
            f"that training records have, received {_text(keys[row])!r}."
        )
    label_path: str | None = getattr(config, option)
    if label_path is not None:
        names = _named(columns.get("label"), known, f"--{option}", label_path)
    elif "label" in columns and texts is not None:
        _check_texts(keys, texts, config)
        names = [_text(text) for text in texts[split_names == TRAIN][first]]
    else:
        names = [_text(key) for key in known]
    if of_run is None:
        return labels.LabelMap(tuple(names)), places.astype(np.int32)
    label_map = of_run.with_others(names)
    numbers = np.array([label_map.index(name) for name in names], np.int32)
    return label_map, numbers[places]


def _with_whole_numbers(
    columns: Mapping[str, np.ndarray], config: config_lib.DataConfig
) -> Mapping[str, np.ndarray]:
    """Return the columns with numbers of classes as int64, also if written as float."""
    numbers = columns.get("label")
    if numbers is None or not np.issubdtype(numbers.dtype, np.floating):
        return columns
    whole = np.isfinite(numbers) & (numbers == np.floor(numbers))
    if not whole.all():
        row = int(np.argmin(whole))
        raise errors.DataError(
            f"--dataset={config.dataset}: expected whole numbers for classes, received "
            f"{numbers[row]:g} in record {row}. To learn numbers that are no classes "
            "(regression) is not offered."
        )
    return {**columns, "label": numbers.astype(np.int64)}


def _check_texts(
    numbers: np.ndarray, texts: np.ndarray, config: config_lib.DataConfig
) -> None:
    """Check that each number has one name."""
    first: dict[int, bytes] = {}
    for number, text in zip(numbers.tolist(), texts.tolist(), strict=True):
        if first.setdefault(number, text) != text:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected one name for each class number, "
                f"received {_text(first[number])!r} and {_text(text)!r} for {number}."
            )


def _named(
    numbers: np.ndarray | None, known: np.ndarray, flag: str, path: str
) -> list[str]:
    if numbers is None:
        raise errors.DataError(
            f"{flag}={path} names numbers, and the records have none: they "
            "name their classes themselves. Leave it out."
        )
    names = label_file.read(path, flag)
    unknown = [number for number in known.tolist() if number not in names]
    if unknown:
        raise errors.DataError(
            f"{flag}={path}: expected a name for every class number, "
            f"received none for {', '.join(map(str, unknown[:5]))}; it names "
            f"{min(names)} to {max(names)}."
        )
    return [names[number] for number in known.tolist()]


def _text(key: bytes | int) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)
