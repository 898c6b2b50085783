"""The numbers in a model.bin of CTranslate2, without running anything.

Version 6 of its binary: a head, then for each variable its name, sizes and bytes, all
numbers with the lowest byte first (CTranslate2, model_spec.py, `ModelSpec.save`).
"""

import struct
from collections.abc import Mapping

import numpy as np

_VERSION = 6
# Number of a type -> the type; others are not read.
_TYPES = {0: "<f4", 4: "<f2"}


def read(content: bytes, *, prefix: str) -> Mapping[str, np.ndarray]:
    """Return the floating point variables whose names begin so, float32.

    Raises:
        ValueError: where the content is no such file, or only the begin of one.
    """
    try:
        return _variables(_Reader(content), prefix)
    except struct.error as error:
        raise ValueError(f"expected a whole file of CTranslate2: {error}") from error


def _variables(reader: "_Reader", prefix: str) -> dict[str, np.ndarray]:
    version = reader.number("I")
    if version != _VERSION:
        raise ValueError(f"expected version {_VERSION}, received {version}")
    reader.text()
    reader.number("I")
    found = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = reader.number("B")
        data = reader.take(reader.number("I"))
        if name.startswith(prefix) and kind in _TYPES:
            numbers = np.frombuffer(data, _TYPES[kind]).reshape(shape)
            found[name] = numbers.astype(np.float32)
    return found


class _Reader:
    """Bytes that are read one part after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def number(self, kind: str) -> int:
        size = struct.calcsize(kind)
        (value,) = struct.unpack_from(f"<{kind}", self._content, self._position)
        self._position += size
        return int(value)

    def text(self) -> str:
        # Its length counts the zero at its end.
        return self.take(self.number("H")).rstrip(b"\0").decode()

    def take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._content):
            raise struct.error(f"{size} bytes at {self._position} are not there")
        part = self._content[self._position : end]
        self._position = end
        return part
