"""Files of JSON as Hugging Face lays them out."""

import zipfile
from pathlib import Path

import pytest

from kft import errors
from kft.data import hub_json

FLAG = "--backbone=here"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "expected a readable config.json in the folder"),
        (b"\xff", "expected a readable config.json in the folder"),
        (b"[1]", "expected an object in config.json, received list"),
        (None, "expected a readable config.json in the folder"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, content, said) -> None:
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(errors.ConfigError, match=f"{FLAG}: {said}"):
        hub_json.read(tmp_path / "config.json", FLAG)


def test_an_archive_is_read_like_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as archive:
        archive.writestr("model/config.json", '{"width": 3}')
    folder = zipfile.Path(tmp_path / "wheel.whl", "model/")
    assert hub_json.read(folder.joinpath("config.json"), FLAG) == {"width": 3}
    with pytest.raises(errors.ConfigError, match=r"a readable other\.json in the"):
        hub_json.read(folder.joinpath("other.json"), FLAG)
