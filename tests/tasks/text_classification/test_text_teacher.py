"""Runs with a teacher that reads its own tokens of the same texts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from kft.config import TextClassificationConfig
from kft.run_folder.run_result import RunResult
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")
pytestmark = pytest.mark.slow

_LABELS = {False: ("good", "bad"), True: ("good", "bad|film")}


def _train(folder: Path, name: str, **changes: object) -> RunResult:
    config = TextClassificationConfig(
        dataset=f"csv:{folder / 'texts.csv'}",
        backbone=str(folder / "bert"),
        run_dir=str(folder / name),
        stages="head:2@0.1",
        max_length=16,
        batch_size=8,
        export=(),
    )
    config = dataclasses.replace(config, **changes)
    return fine_tune(config, reporter=SilentReporter())


@pytest.mark.parametrize("multi_label", [False, True])
def test_it_answers_texts_as_it_was_measured_and_is_learned_from(
    tmp_path: Path, multi_label: bool
) -> None:
    tiny_bert.write(tmp_path / "bert")
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for number in range(60):
        words = rng.choice(["a", "b", "the", "film"], rng.integers(1, 14))
        labels = _LABELS[multi_label]
        said = ("good", "bad")[number % 2]
        lines.append(f"{' '.join(words)} {said},{labels[number % 2]}")
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    teacher = _train(tmp_path, "teacher", multi_label=multi_label)
    # It pads and cuts otherwise.
    options = {"max_length": 6, "multi_label": multi_label}
    alone = _train(tmp_path, "alone", **options)
    student = _train(tmp_path, "student", teacher=str(teacher.run_dir), **options)
    for name, value in teacher.validation.items():
        assert student.teacher[f"val_{name}"] == pytest.approx(value, rel=1e-4)
    assert student.val_loss != alone.val_loss
