import io
import os
import pickle
import struct

import numpy as np
import pytest

from kft.backbones import torch_file


class _Global:
    """Pickles as a reference to `module.name`, called with `arguments`."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.key, self.count, self.kind = key, count, kind


class _Pickler(pickle._Pickler):
    """Writes what PyTorch before 1.6 wrote, without PyTorch."""

    def persistent_id(self, value: object) -> object:
        if isinstance(value, _Storage):
            kind = _Global("torch", value.kind)
            return ("storage", kind, value.key, "cpu", value.count, None)
        return None

    def save(self, value: object, save_persistent_id: bool = True) -> None:
        if isinstance(value, _Global):
            self.write(f"c{value.module}\n{value.name}\n".encode())
            if value.arguments:
                super().save(value.arguments)
                self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


def _tensor(storage: _Storage, offset=0, shape=(2, 3), strides=(3, 1)) -> _Global:
    rebuild = ("torch._utils", "_rebuild_tensor_v2")
    return _Global(*rebuild, storage, offset, shape, strides, False, {})


def _file(tensors: object, storages: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    sizes = {"little_endian": True}
    for part in (0x1950A86A20F9469CFC6C, 1001, sizes, tensors, list(storages)):
        _Pickler(stream, protocol=2).dump(part)
    for numbers in storages.values():
        stream.write(struct.pack("<q", numbers.size) + numbers.tobytes())
    return stream.getvalue()


def test_tensors_are_read_with_offset_and_strides() -> None:
    numbers = np.arange(8, dtype="<f4")
    storage = _Storage("7", 8)
    content = _file(
        {
            "plain": _tensor(storage),
            "turned": _tensor(storage, offset=2, shape=(3, 2), strides=(1, 3)),
            "scalar": _tensor(_Storage("8", 1, "LongStorage"), 0, (), ()),
        },
        {"7": numbers, "8": np.array([42], "<i8")},
    )
    tensors = torch_file.read(content)
    np.testing.assert_array_equal(tensors["plain"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(tensors["turned"], [[2, 5], [3, 6], [4, 7]])
    assert tensors["scalar"] == 42


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_tensor"),
        ("collections", "OrderedDict.fromkeys"),
        ("numpy", "load"),
    ],
)
def test_nothing_else_can_be_named(module: str, name: str, tmp_path) -> None:
    witness = tmp_path / "witness"
    payload = _Global(module, name, f"touch {witness}")
    with pytest.raises(ValueError, match="is not admitted"):
        torch_file.read(_file({"w": payload}, {}))
    assert not witness.exists()


def test_the_first_pickles_can_name_nothing_either(tmp_path) -> None:
    class Payload:
        def __reduce__(self) -> tuple:
            return os.system, (f"touch {tmp_path / 'witness'}",)

    with pytest.raises(ValueError, match="is not admitted"):
        torch_file.read(pickle.dumps(Payload()))
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize(
    "view",
    [
        {"offset": 1},
        {"offset": -1},
        {"strides": (6, 1)},
        {"strides": (-3, 1)},
        {"shape": (2, 3, 1)},
        {"shape": (2, 10**12)},
        {"shape": (0, 3)},
    ],
)
def test_a_tensor_can_not_leave_its_storage(view: dict) -> None:
    content = _file({"w": _tensor(_Storage("0", 6), **view)}, {"0": np.zeros(6, "<f4")})
    with pytest.raises(ValueError, match="leaves its storage"):
        torch_file.read(content)


def test_a_storage_has_as_many_numbers_as_it_says() -> None:
    content = _file({"w": _tensor(_Storage("0", 6))}, {"0": np.zeros(5, "<f4")})
    with pytest.raises(ValueError, match="cut short"):
        torch_file.read(content)


def test_every_cut_of_a_file_is_refused() -> None:
    content = _file({"w": _tensor(_Storage("0", 6))}, {"0": np.zeros(6, "<f4")})
    for length in range(len(content)):
        with pytest.raises(ValueError, match="."):
            torch_file.read(content[:length])
    assert torch_file.read(content)["w"].shape == (2, 3)


def test_any_edit_gives_tensors_or_a_value_error() -> None:
    content = _file({"w": _tensor(_Storage("0", 6))}, {"0": np.zeros(6, "<f4")})
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(2_000):
        edited = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            edited[place] = rng.integers(256)
        try:
            torch_file.read(bytes(edited))
        except ValueError:
            refused += 1
    assert refused > 1_000
