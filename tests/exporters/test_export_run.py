"""What an export does besides the format: what it asks, and what a failure leaves."""

import json
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from kft import errors
from kft.config import ExportConfig
from kft.exporters import export_run, parity
from tests.counted_bar import CountedBar


def _without_its_data(run: Path) -> None:
    """Make a run look for its images where there are none."""
    path = run / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "dataset": f"folder:{run.parent / 'gone'}"}))


def test_a_run_without_its_data_is_asked_made_up_images_and_says_so(
    run: Path, small_run: Path
) -> None:
    _without_its_data(run)
    asked = ExportConfig(run_dir=str(run), formats=("saved_model",))
    bar = CountedBar()
    (made_up,) = export_run.export_run(asked, bar=bar)
    # The one format moves it when it is written, and when it is checked.
    assert bar.steps == {"formats, written and checked": [2, 1, 1]}
    assert made_up.certificate.passed
    assert made_up.certificate.examples_from == parity.MADE_UP
    assert made_up.certificate.accuracy is None
    assert "are made up" in export_run.table([made_up])[-1]

    shutil.copytree(small_run.parent / "images", run.parent / "moved")
    asked = ExportConfig(
        run_dir=str(run),
        formats=("saved_model",),
        data=f"folder:{run.parent / 'moved'}",
    )
    (found,) = export_run.export_run(asked)
    assert found.certificate.examples_from == "validation"
    assert found.certificate.accuracy is not None
    assert found.path.name == "2"
    image = (run / "export/saved_model/Dockerfile").read_text()
    assert "\nCOPY 2 /models/" in image


def test_a_disk_that_is_full_is_said_and_leaves_nothing_half_written(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(module: tf.Module, path: str, **options: object) -> None:
        Path(path).mkdir()
        (Path(path) / "saved_model.pb").write_bytes(b"half")
        raise tf.errors.ResourceExhaustedError(
            None, None, f"{path}/variables/variables.data; No space left on device"
        )

    monkeypatch.setattr(tf.saved_model, "save", save)
    asked = ExportConfig(run_dir=str(run), formats=("saved_model",))
    with pytest.raises(errors.RunDirError, match="no space left on the device"):
        export_run.export_run(asked)
    assert not [path for path in run.rglob("*") if path.name.startswith(".tmp")]
    assert not (run / "export/saved_model/1").exists()
    assert not (run / "export/parity.json").exists()
