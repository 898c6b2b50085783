"""Tensors of a PyTorch file of before 2020, read without PyTorch and without code.

The format (`torch.serialization._legacy_save`): five pickles, which are a magic number,
a protocol number, the sizes of C types, the dictionary of tensors, and the keys of the
storages; then, for each key, a count and the raw numbers. A pickle can call anything
that its reader lets it name, so this reader lets it name four things, none of which is
code of another package. No TensorFlow here.
"""

import collections
import dataclasses
import io
import pickle
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = np.dtype("<i8")


@dataclasses.dataclass(frozen=True)
class _Storage:
    """One run of numbers in the file."""

    key: str
    dtype: np.dtype
    count: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage; offset and strides are in numbers, not in bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *unused: object,
) -> _Tensor:
    """Stand in for `torch._utils._rebuild_tensor_v2`."""
    del unused
    return _Tensor(storage, offset, shape, strides)


_ADMITTED: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle._Unpickler):
    """An unpickler that can name nothing but `_ADMITTED`.

    It is Python's, not C's, which allocates gigabytes for a memo where a damaged pickle
    names a high index.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a global of the pickle."""
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a persistent id describes."""
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or view is not None or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"unknown storage {pid!r}")
        return _Storage(key, dtype, count)


def read(content: bytes) -> dict[str, np.ndarray]:
    """Return the tensors of a file by name.

    Raises:
        ValueError: where the content is not such a file, is damaged, or names anything
            that is not needed for tensors of float32 and int64.
    """
    try:
        return _read(io.BytesIO(content))
    except (pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        raise ValueError(f"not a legacy PyTorch file of tensors: {error}") from error
    except (LookupError, MemoryError, OverflowError, struct.error) as error:
        raise ValueError(f"damaged PyTorch file: {error!r}") from error


def _read(stream: io.BytesIO) -> dict[str, np.ndarray]:
    magic, protocol, _, tensors, keys = (_Unpickler(stream).load() for _ in range(5))
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        raise ValueError("not a legacy PyTorch file")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {key: _numbers(stream, storages[key]) for key in keys}
    return {
        name: _view(tensor, numbers[tensor.storage.key])
        for name, tensor in tensors.items()
    }


def _numbers(stream: io.BytesIO, storage: _Storage) -> np.ndarray:
    count = np.frombuffer(stream.read(_COUNT.itemsize), _COUNT)
    content = stream.read(storage.count * storage.dtype.itemsize)
    if list(count) != [storage.count] or len(content) != (
        storage.count * storage.dtype.itemsize
    ):
        raise ValueError(f"storage {storage.key} is cut short")
    return np.frombuffer(content, storage.dtype)


def _view(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    if not _inside(tensor, len(numbers)):
        raise ValueError(f"a tensor of shape {tensor.shape} leaves its storage")
    itemsize = numbers.dtype.itemsize
    return np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :],
        shape=tensor.shape,
        strides=[stride * itemsize for stride in tensor.strides],
        writeable=False,
    )


def _inside(tensor: _Tensor, count: int) -> bool:
    sizes: Sequence[int] = (tensor.offset, *tensor.shape, *tensor.strides)
    if len(tensor.shape) != len(tensor.strides) or min(sizes) < 0:
        return False
    last = tensor.offset + sum(
        (length - 1) * stride
        for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    return min(tensor.shape, default=1) > 0 and last < count
