"""What is in a file of weights can do nothing but be compared, read or refused."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from kft import errors
from kft.backbones import isolated_read, weights


def _network(filters: int = 4) -> keras.Model:
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(filters, 3, name="stem")(images)
    x = keras.layers.BatchNormalization(name="norm")(x)
    return keras.Model(images, keras.layers.Conv2D(2, 1, name="top")(x), name="Tiny")


@pytest.fixture
def no_trial(monkeypatch) -> None:
    """Spare hundreds of processes; the files are damaged alike in every run."""
    monkeypatch.setattr(isolated_read, "survive", lambda path: None)


def _legacy(network: keras.Model, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path


WRITERS = {
    ".h5": _legacy,
    ".weights.h5": keras.Model.save_weights,
    ".keras": keras.Model.save,
}


def _replaced(
    path: Path, dataset: str, make: Callable[[h5py.Group, str], None]
) -> Path:
    with h5py.File(path, "a") as file:
        folder, _, name = dataset.rpartition("/")
        group = file[folder] if folder else file
        del group[name]
        make(group, name)
    return path


KERNEL = "stem/stem/kernel"
SHAPE = (3, 3, 3, 4)


def _external_storage(group: h5py.Group, name: str) -> None:
    secret = Path(group.file.filename).with_name("secret.bin")
    secret.write_bytes(b"\x01" * 4 * int(np.prod(SHAPE)))
    size = secret.stat().st_size
    group.create_dataset(name, SHAPE, "f4", external=[(str(secret), 0, size)])


def _virtual(group: h5py.Group, name: str) -> None:
    other = Path(group.file.filename).with_name("other.h5")
    with h5py.File(other, "w") as file:
        file["x"] = np.zeros(SHAPE, "f4")
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[...] = h5py.VirtualSource(other, "x", SHAPE)
    group.create_virtual_dataset(name, layout)


def _external_link(group: h5py.Group, name: str) -> None:
    group[name] = h5py.ExternalLink("other.h5", "/x")


def _soft_link(group: h5py.Group, name: str) -> None:
    group[name] = h5py.SoftLink("/norm/norm/gamma")


def _shape_bomb(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1 << 20, 1 << 20), "f4")


def _chunk_bomb(group: h5py.Group, name: str) -> None:
    group.create_dataset(
        name, SHAPE, "f4", chunks=(64, 64, 64, 64), maxshape=(None,) * 4, compression=9
    )


def _array(values: object) -> Callable[[h5py.Group, str], None]:
    def make(group: h5py.Group, name: str) -> None:
        group[name] = values

    return make


HOSTILE = {
    "external storage": (_external_storage, "kept in another file"),
    "virtual": (_virtual, "virtual"),
    "external link": (_external_link, "external link, which is not followed"),
    "soft link": (_soft_link, "soft link, which is not followed"),
    "shape bomb": (_shape_bomb, "not in the file"),
    "chunk bomb": (_chunk_bomb, "is compressed"),
    "no data": (lambda g, n: g.create_dataset(n, SHAPE, "f4"), "not in the file"),
    "text": (_array(np.full(SHAPE, b"x")), "does not hold numbers"),
    "text of any length": (
        lambda g, n: g.create_dataset(n, data=["x"], dtype=h5py.string_dtype()),
        "does not hold numbers",
    ),
    "records": (_array(np.zeros(SHAPE, "f4,f4")), "does not hold numbers"),
    "not finite": (_array(np.full(SHAPE, np.nan, "f4")), "not finite"),
    "folder": (lambda g, n: g.create_group(n), "kernel' is missing"),
    "missing": (lambda g, n: None, "kernel' is missing"),
    "empty": (_array(h5py.Empty("f4")), "does not hold numbers"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_array_that_is_not_plain_is_refused(kind: str, tmp_path) -> None:
    make, expected = HOSTILE[kind]
    network = _network()
    before = network.get_weights()
    path = _replaced(_legacy(_network(), tmp_path / "w.h5"), KERNEL, make)
    with pytest.raises(errors.ConfigError) as caught:
        weights.load(network, path)
    assert str(caught.value).startswith(f"--weights: {path} does not load into Tiny: ")
    assert expected in str(caught.value)
    for now, then in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("link", [_external_link, _soft_link])
@pytest.mark.parametrize("place", ["stem", "stem/stem"])
def test_a_folder_that_is_elsewhere_is_refused(link, place: str, tmp_path) -> None:
    path = _replaced(_legacy(_network(), tmp_path / "w.h5"), place, link)
    with pytest.raises(errors.ConfigError, match="link, which is not followed"):
        weights.load(_network(), path)


def test_a_link_out_of_the_file_is_not_even_looked_up(tmp_path) -> None:
    path = _replaced(_legacy(_network(), tmp_path / "w.h5"), "stem", _external_link)
    messages = []
    for _ in range(2):
        with pytest.raises(errors.ConfigError) as caught:
            weights.load(_network(), path)
        messages.append(str(caught.value))
        _legacy(_network(), tmp_path / "other.h5")
    assert messages[0] == messages[1]


def test_another_shape_names_layer_and_both_shapes(tmp_path) -> None:
    path = _legacy(_network(filters=5), tmp_path / "w.h5")
    with pytest.raises(errors.ConfigError) as caught:
        weights.load(_network(), path)
    message = str(caught.value)
    assert "kernel of layer stem has the shape (3, 3, 3, 4)" in message
    assert "in the file ('stem/stem/kernel') (3, 3, 3, 5)" in message


def test_another_shape_in_keras_3_names_layer_and_both_shapes(tmp_path) -> None:
    _network(filters=5).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(errors.ConfigError) as caught:
        weights.load(_network(), tmp_path / "w.weights.h5")
    assert "kernel of layer stem has the shape (3, 3, 3, 4)" in str(caught.value)
    assert "('layers/conv2d/vars/0') (3, 3, 3, 5)" in str(caught.value)


def test_shapes_are_compared_before_anything_is_set(tmp_path) -> None:
    network = _network()
    before = network.get_weights()
    make = _array(np.zeros((7, 7), "f4"))
    path = _replaced(_legacy(_network(), tmp_path / "w.h5"), "top/top/kernel", make)
    with pytest.raises(errors.ConfigError, match="kernel of layer top"):
        weights.load(network, path)
    np.testing.assert_array_equal(network.get_weights()[0], before[0])


def test_too_few_layers_are_counted(tmp_path) -> None:
    images = keras.Input((8, 8, 3))
    smaller = keras.Model(images, keras.layers.Conv2D(4, 3, name="stem")(images))
    path = _legacy(smaller, tmp_path / "w.h5")
    with pytest.raises(
        errors.ConfigError, match="has 3 layers with weights, the file 1"
    ):
        weights.load(_network(), path)


def test_weights_of_a_layer_are_counted(tmp_path) -> None:
    path = _legacy(_network(), tmp_path / "w.h5")
    with h5py.File(path, "a") as file:
        names = file["norm"].attrs["weight_names"]
        file["norm"].attrs["weight_names"] = names[:3]
    with pytest.raises(errors.ConfigError, match=r"norm has 4 weights.* has 3"):
        weights.load(_network(), path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (np.arange(3), "no list of names"),
        (np.array([b"nowhere"]), "its layer 'nowhere' is missing"),
        (np.array([b"../../etc"]), "is missing"),
        (np.array([b"/"]), "is missing"),
        (np.array([b"."]), "is missing"),
    ],
)
def test_names_that_lead_nowhere_are_refused(names, expected: str, tmp_path) -> None:
    path = _legacy(_network(), tmp_path / "w.h5")
    with h5py.File(path, "a") as file:
        file.attrs["layer_names"] = names
    with pytest.raises(errors.ConfigError, match=expected):
        weights.load(_network(), path)


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n"])
@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_what_is_no_file_of_weights_is_refused(content, ending, tmp_path) -> None:
    path = tmp_path / f"w{ending}"
    path.write_bytes(content)
    with pytest.raises(errors.ConfigError, match="cut short or damaged"):
        weights.load(_network(), path)


def test_a_file_that_crashes_the_library_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(isolated_read, "_PROGRAM", "import os; os.abort()")
    path = _legacy(_network(), tmp_path / "w.h5")
    with pytest.raises(errors.ConfigError, match="it crashes the HDF5 library"):
        weights.load(_network(), path)


def test_an_hdf5_file_of_something_else_is_refused(tmp_path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(errors.ConfigError, match="neither legacy nor Keras 3 weights"):
        weights.load(_network(), tmp_path / "w.h5")


def test_every_cut_of_a_file_is_refused(tmp_path, no_trial) -> None:
    path = _legacy(_network(), tmp_path / "w.h5")
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 257):
        path.write_bytes(content[:length])
        with pytest.raises(errors.ConfigError):
            weights.load(_network(), path)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_any_edit_loads_or_is_refused(ending: str, tmp_path, no_trial) -> None:
    network = _network()
    path = tmp_path / f"w{ending}"
    WRITERS[ending](network, path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        edited = bytearray(content)
        for place in rng.integers(len(content), size=8):
            edited[place] = rng.integers(256)
        path.write_bytes(bytes(edited))
        try:
            weights.load(network, path)
        except errors.ConfigError:
            refused += 1
    assert refused > 10


def _archive(path: Path, content: bytes, compression: int, config: object) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", content)
    return path


def _keras3_bytes(network: keras.Model, folder: Path) -> bytes:
    network.save_weights(folder / "inner.weights.h5")
    return (folder / "inner.weights.h5").read_bytes()


def test_the_config_of_an_archive_is_never_read(tmp_path) -> None:
    witness = tmp_path / "witness"
    payload = {
        "module": "builtins",
        "class_name": "function",
        "config": f"__import__('pathlib').Path({str(witness)!r}).touch()",
        "registered_name": "function",
    }
    donor = _network()
    content = _keras3_bytes(donor, tmp_path)
    path = _archive(tmp_path / "w.keras", content, zipfile.ZIP_STORED, payload)
    network = _network()
    weights.load(network, path)
    assert not witness.exists()
    for ours, theirs in zip(network.weights, donor.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_an_archive_that_unpacks_to_more_is_refused(tmp_path) -> None:
    bomb = io.BytesIO(_keras3_bytes(_network(), tmp_path) + bytes(1 << 24))
    path = _archive(
        tmp_path / "w.keras", bomb.getvalue(), zipfile.ZIP_DEFLATED, config={}
    )
    assert path.stat().st_size < 1 << 20
    with pytest.raises(errors.ConfigError, match="is compressed within the archive"):
        weights.load(_network(), path)


def test_an_archive_without_weights_is_refused(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "w.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(errors.ConfigError, match="has no model.weights.h5"):
        weights.load(_network(), tmp_path / "w.keras")
