"""The numbers in a file of the package hama, without running anything.

A head names each array with its sizes and its place; all numbers have the lowest byte
first. The data follow it from the next multiple of 16 bytes on.
"""

import struct

import numpy as np

_MAGIC = b"HAMAPK"
_ALIGNMENT = 16
# Number of a type -> the type.
_TYPES = {0: "<f4", 1: "<f2"}


def read(content: bytes) -> dict[str, np.ndarray]:
    """Return all arrays by their names, float32.

    Raises:
        ValueError: where the content is no such file, or only the begin of one.
    """
    if not content.startswith(_MAGIC):
        raise ValueError(f"expected a file that begins with {_MAGIC.decode()}")
    try:
        return _arrays(content)
    except struct.error as error:
        raise ValueError(f"expected a whole file of hama: {error}") from error


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    # Behind the magic stand two bytes of the version.
    position = len(_MAGIC) + 2
    (count,) = struct.unpack_from("<I", content, position)
    position += 4
    places: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, position)
        position += 2
        name = content[position : position + length].decode()
        position += length
        kind, rank = struct.unpack_from("<BB", content, position)
        position += 2
        shape = struct.unpack_from(f"<{rank}I", content, position)
        position += 4 * rank
        begin, size = struct.unpack_from("<QQ", content, position)
        position += 16
        if kind not in _TYPES:
            raise ValueError(f"{name}: expected a known type, received {kind}")
        places[name] = _TYPES[kind], shape, begin, size
    data = -(-position // _ALIGNMENT) * _ALIGNMENT
    found = {}
    for name, (dtype, shape, begin, size) in places.items():
        part = content[data + begin : data + begin + size]
        if len(part) < size:
            raise ValueError(f"{name}: expected {size} bytes, received {len(part)}")
        found[name] = np.frombuffer(part, dtype).reshape(shape).astype(np.float32)
    return found
