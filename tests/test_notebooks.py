"""The notebooks run from their first cell to their last, and keep what they showed."""

import os
import re

import nbclient
import nbformat
import pytest

from kft import errors
from kft.backbones import package_files
from kft.backbones.audio import audio_backbone
from kft.backbones.text import text_backbone
from kft.data.text import reviews
from tests.conftest import REPOSITORY

NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))

# Of the package index, or kept from before.
NEEDS = {
    "images": (),
    "sounds": (audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING].package,),
    "texts": (text_backbone.BACKBONES["MiniLM-L6"].package, reviews.PACKAGE),
}


def _read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)


def test_there_is_one_for_each_field():
    assert NOTEBOOKS == ["images", "sounds", "texts"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_they_showed_is_kept(name):
    cells = [cell for cell in _read(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert not [one for one in outputs if one.get("name") == "stderr"]
    # Nothing of the machine that they ran on.
    text = (REPOSITORY / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    assert re.findall(r"/(?:home|root|tmp|work)/", text) == []
    assert len(text) < 1_000_000


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_they_run(name, shared, tmp_path, monkeypatch):
    try:
        for package in NEEDS[name]:
            package_files.find(package)
    except errors.ConfigError as error:
        pytest.skip(str(error))
    (tmp_path / "spoken_digits").symlink_to(shared / "data" / "spoken_digits")
    others = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), others]))
    notebook = _read(name)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    # The first cell that raises is an error of the client.
    client.execute()
    assert (tmp_path / "runs" / f"notebook-{name}" / "report.html").is_file()
    assert list((tmp_path / "runs").glob("*/export/saved_model/1/saved_model.pb"))
