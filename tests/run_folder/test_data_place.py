"""Where the data of a run may lie, once it was started elsewhere."""

import json
from pathlib import Path

import pytest

from kft.config import (
    RunConfig,
    SpeechRecognitionConfig,
    TokenClassificationConfig,
    TrainConfig,
)
from kft.run_folder import data_place, run_dir


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (TrainConfig(dataset="folder:photos"), {"dataset": "folder:{}/photos"}),
        (
            TrainConfig(dataset="tfds:x", data_dir="store"),
            {"dataset": "tfds:x", "data_dir": "{}/store"},
        ),
        (
            SpeechRecognitionConfig(dataset="csv:calls.csv", alphabet="letters.txt"),
            {"dataset": "csv:{}/calls.csv", "alphabet": "{}/letters.txt"},
        ),
        (
            SpeechRecognitionConfig(dataset="csv:calls.csv", word_list="words.txt"),
            {"dataset": "csv:{}/calls.csv", "word_list": "words.txt"},
        ),
        (
            TokenClassificationConfig(dataset="jsonl:entities"),
            {"dataset": "jsonl:{}/entities"},
        ),
    ],
)
def test_paths_of_every_task_count_from_where_training_was_started(
    tmp_path: Path, config: RunConfig, expected: dict[str, str]
) -> None:
    run = run_dir.at(str(tmp_path / "moved"))
    run.path.mkdir()
    run.environment_json.write_text(
        json.dumps({"working_directory": "/old/work", "run_folder": "/old/work/run"})
    )
    first, beside, *_, last = data_place.candidates(config, run)
    for name, path in expected.items():
        assert getattr(first, name) == path.format("/old/work")
        assert getattr(beside, name) == path.format(tmp_path)
    assert last == config
