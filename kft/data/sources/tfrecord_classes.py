"""Which features of TFRecords say the class: a number, a name, or both."""

from collections.abc import Mapping, Sequence

from kft import config as config_lib
from kft import errors
from kft.data.sources import tfrecord_index
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
