"""The numbers in an ONNX file, without the package onnx and without running anything.

An ONNX file is a message of Protocol Buffers: fields of a number and a wire type each
(protobuf.dev, Encoding). Of `ModelProto` (onnx.proto) only the graph's initializers are
read.
"""

from collections.abc import Iterator, Mapping

import numpy as np

_GRAPH, _INITIALIZER = 7, 5
_DIMENSIONS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_FLOAT32 = 1
# Wire types.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def read(content: bytes) -> Mapping[str, np.ndarray]:
    """Return the float32 tensors of the graph by name.

    Raises:
        ValueError: where the content is no whole message of that kind.
    """
    found = {}
    for graph in _parts(content, _GRAPH):
        for tensor in _parts(graph, _INITIALIZER):
            fields = list(_fields(tensor))
            if (_DATA_TYPE, _FLOAT32) in fields:
                name, numbers = _tensor(fields)
                found[name] = numbers
    return found


def _tensor(fields: list[tuple[int, int | bytes]]) -> tuple[str, np.ndarray]:
    shape: list[int] = []
    name, data = "", b""
    for number, value in fields:
        if number == _DIMENSIONS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == _NAME and isinstance(value, bytes):
            name = value.decode()
        elif number == _RAW_DATA and isinstance(value, bytes):
            data = value
    return name, np.frombuffer(data, "<f4").reshape(shape)


def _parts(content: bytes, wanted: int) -> Iterator[bytes]:
    for number, value in _fields(content):
        if number == wanted and isinstance(value, bytes):
            yield value


def _packed(content: bytes) -> list[int]:
    values, position = [], 0
    while position < len(content):
        value, position = _varint(content, position)
        values.append(value)
    return values


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number of each field with its value."""
    position = 0
    while position < len(content):
        key, position = _varint(content, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(content, position)
            yield number, value
            continue
        if wire_type == _LENGTH:
            size, position = _varint(content, position)
        elif wire_type in _SIZES:
            size = _SIZES[wire_type]
        else:
            raise ValueError(f"expected a known wire type, received {wire_type}")
        end = position + size
        if end > len(content):
            raise ValueError("expected a whole message, received the begin of one")
        yield number, content[position:end]
        position = end


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Return a number of seven bits per byte, and the position behind it."""
    value = shift = 0
    while position < len(content) and shift < 64:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise ValueError("expected a whole number, received the begin of one")
