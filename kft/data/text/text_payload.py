"""Encoded texts: how their files are known, and what their bytes say."""

from kft import errors
from kft.data.sources.payload_kind import PayloadKind

TEXTS = PayloadKind(
    name="text",
    noun="texts",
    file_endings=(".txt",),
    tfds_feature="Text",
    tfrecord_features={},
)


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
