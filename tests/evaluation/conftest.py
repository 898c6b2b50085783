"""What stands for a loaded run, without a network."""

import json
import types

import pytest

from kft import config, tasks
from kft.config import TrainConfig
from kft.run_folder import split_csv
from kft.run_folder.run_dir import RunDir


@pytest.fixture
def trained(tmp_path):
    """Return what takes the place of a loaded run, with splits from a file."""
    for number in range(24):
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    source = f"folder:{tmp_path / 'data'}"
    first = tasks.load_splits(
        config.ImageOptions(dataset=source, validation_fraction=0.4)
    )
    (tmp_path / "first.csv").write_text(split_csv.text(first))
    settings = TrainConfig(
        dataset=source,
        split_file=str(tmp_path / "first.csv"),
        examples_per_class=3,
    )
    made = tasks.load_splits(settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "split.csv").write_text(split_csv.text(made))
    (tmp_path / "run" / "environment.json").write_text(
        json.dumps({"data_fingerprint": made.fingerprint})
    )
    return types.SimpleNamespace(
        run=RunDir(tmp_path / "run"),
        config=settings,
        labels=made.labels,
        data=None,
        made=made,
        path=tmp_path,
    )
