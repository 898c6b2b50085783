"""Encoded texts: how their files are known, and what their bytes say."""

from kft import errors
from kft.data.sources.payload_kind import PayloadKind
from kft.data.text import text_pairs

TEXTS = PayloadKind(
    name="text",
    noun="texts",
    file_endings=(".txt",),
    tfds_feature="Text",
    tfrecord_features={},
)
PAIRS = PayloadKind(
    name="pair of texts",
    noun="pairs of texts",
    file_endings=(),
    tfds_feature="Text",
    tfrecord_features={},
    parts=text_pairs.PARTS,
    separator=text_pairs.SEPARATOR,
)


def kind(*, pairs: bool) -> PayloadKind:
    """Return what examples are: pairs of texts, or texts."""
    return PAIRS if pairs else TEXTS


def decode(payload: bytes, name: str) -> str:
    """Return the text of an example, without the mark that may begin it (BOM).

    Args:
        payload: UTF-8.
        name: of the example, for messages.

    Raises:
        errors.DataError: where it is not UTF-8.
    """
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise errors.DataError(
            f"Example {name}: expected text in UTF-8, which cannot be read: {error}."
        ) from error
