"""The classes of TFRecords: by number, by name, or by both."""

from collections.abc import Mapping, Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import labels
from kft.data.examples import TRAIN
from kft.data.sources import label_file, tfrecord_index
from kft.data.sources.payload_kind import PayloadKind

_KINDS = {"label": int, "text": bytes}
_OTHER = {"label": "text", "text": "label"}


def kinds(
    paths: Sequence[str],
    names: Mapping[str, str],
    payload: PayloadKind,
    config: config_lib.DataConfig,
) -> dict[str, type]:
    """Return the parts that say the class, label or text or both, with their kinds.

    They are those of the first record, for a file may be empty; the others have to
    have the same.

    Args:
        paths: of the files, at least one.
        names: of the features that are the payload, the label and the text.
        payload: what is encoded.
        config: for messages.

    Raises:
        errors.DataError: where the record has no payload, or no class.
    """
    features: Mapping[str, tfrecord_index.Feature] = {}
    for path in paths:
        features = tfrecord_index.first_features(path)
        if features:
            break
    present = {p: features[name].kind for p, name in names.items() if name in features}
    label_kinds = {part: kind for part in _KINDS if (kind := present.get(part))}
    if present.get(payload.name) is not bytes or not label_kinds:
        wanted = [names[part] for part in _KINDS if part in names]
        raise errors.DataError(
            f"--dataset={config.dataset}: expected records with the {payload.name} as "
            f"bytes in {names[payload.name]}, and its class in {' or '.join(wanted)}. "
            f"Those of {path} have: {', '.join(sorted(features)) or 'nothing'}. Say "
            f"with --tfrecord_features={payload.name}=NAME,label=NAME,text=NAME how "
            "they are called."
        )
    for part, kind in label_kinds.items():
        count = features[names[part]].count
        if count != 1:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected one value in {names[part]}, "
                f"received {count} in the first record of {path}. If they are 0 but "
                "for a 1 at the place of the class (one-hot), write the records with "
                "the number of the class in their place."
            )
        if kind is not _KINDS[part] and (part, kind) != ("label", float):
            raise errors.DataError(
                f"--dataset={config.dataset}: expected {_KINDS[part].__name__} in "
                f"{names[part]} ({part}), received {kind.__name__} in {path}."
                + _other_part(part, kind, names)
            )
    return label_kinds


def _other_part(part: str, kind: type, names: Mapping[str, str]) -> str:
    other = _OTHER[part]
    if kind is not _KINDS[other]:
        return ""
    return f" If it is the {other}: --tfrecord_features={other}={names[part]}"


def classes(
    columns: Mapping[str, np.ndarray],
    split_names: np.ndarray,
    config: config_lib.DataConfig,
    of_run: labels.LabelMap | None = None,
) -> tuple[labels.LabelMap, np.ndarray]:
    """Return the classes of the training records, and that of each record, int32 [n].

    They are in the order of their numbers, or of their names where there are no
    numbers.

    Args:
        columns: label, text or both, [n] each.
        split_names: the split of each record, [n].
        config: may name a file with the names of the classes.
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
    if config.tfrecord_labels is not None:
        names = _named(columns.get("label"), known, config.tfrecord_labels)
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


def _named(numbers: np.ndarray | None, known: np.ndarray, path: str) -> list[str]:
    if numbers is None:
        raise errors.DataError(
            f"--tfrecord_labels={path} names numbers, and the records have none: they "
            "name their classes themselves. Leave it out."
        )
    names = label_file.read(path)
    unknown = [number for number in known.tolist() if number not in names]
    if unknown:
        raise errors.DataError(
            f"--tfrecord_labels={path}: expected a name for every class number, "
            f"received none for {', '.join(map(str, unknown[:5]))}; it names "
            f"{min(names)} to {max(names)}."
        )
    return [names[number] for number in known.tolist()]


def _text(key: bytes | int) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)
