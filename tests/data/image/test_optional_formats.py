"""Formats that some installations read, those with the module that reads them."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kft.data.image import optional_formats
from kft.data.image.image_payload import IMAGES


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    installed = sys.modules.pop("pillow_heif", None)
    optional_formats.names.cache_clear()
    yield
    # The module of a test would make every later test ask Pillow for HEIC.
    sys.modules.pop("pillow_heif", None)
    if installed is not None:
        sys.modules["pillow_heif"] = installed
    optional_formats.names.cache_clear()


def test_heic_is_read_where_pillow_heif_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pillow_heif.py").write_text(
        "opened = []\ndef register_heif_opener(): opened.append('HEIF')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {".heic", ".heif"} <= {*optional_formats.endings()}
    assert "HEIF" in optional_formats.names()
    # What makes Pillow open them.
    assert sys.modules["pillow_heif"].opened == ["HEIF"]


def test_without_it_the_advice_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert optional_formats.endings() == ()
    assert optional_formats.names() == ()
    assert "pip install pillow-heif" in IMAGES.advice_on_endings[".heic"]
