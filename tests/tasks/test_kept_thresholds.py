"""thresholds.csv: what is written is read, and what is none is not guessed."""

from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.data.labels import LabelMap
from kft.metrics.thresholds import FittedThreshold
from kft.run_folder import run_dir
from kft.tasks import kept_thresholds

LABELS = LabelMap(("good, or so", "bad"))


def test_what_is_written_is_read_to_the_last_bit(tmp_path: Path) -> None:
    fitted = [FittedThreshold(1 / 3, 7, 0.5, 0.75), FittedThreshold(0.5, 0, None, None)]
    path = tmp_path / kept_thresholds.FILE
    path.write_text(kept_thresholds.text(LABELS, fitted))
    found = kept_thresholds.read(run_dir.at(str(tmp_path)), LABELS)
    np.testing.assert_array_equal(found, [1 / 3, 0.5])


def test_a_person_may_write_it_in_any_order(tmp_path: Path) -> None:
    text = 'threshold;label\r\n0.9;bad\r\n0.25;"good, or so"\r\n'
    (tmp_path / kept_thresholds.FILE).write_text(text, newline="")
    found = kept_thresholds.read(run_dir.at(str(tmp_path)), LABELS)
    np.testing.assert_array_equal(found, [0.25, 0.9])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "there is no file"),
        ("label,threshold\nbad,0.5\n", "'good, or so'"),
        ('label,threshold\nbad,0.5\n"good, or so",0.5\nworse,0.5', "'worse'"),
        ('label,threshold\nbad,0.5\nbad,0.4\n"good, or so",0.5', "'bad'"),
        ('label,threshold\nbad,1.5\n"good, or so",0.5', "received '1.5'"),
        ('label,threshold\nbad,0\n"good, or so",0.5', "received '0'"),
        ('label,threshold\nbad,half\n"good, or so",0.5', "received 'half'"),
        ("label\nbad\n", "'threshold' is missing"),
    ],
)
def test_what_is_none_is_named_with_what_to_do(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / kept_thresholds.FILE).write_text(text)
    with pytest.raises(errors.RunDirError, match=problem) as caught:
        kept_thresholds.read(run_dir.at(str(tmp_path)), LABELS)
    assert "a row for each class of labels.txt" in str(caught.value)
    # The message begins with the path, and what is wrong need not say it once more.
    assert f"{tmp_path / kept_thresholds.FILE}:" not in str(caught.value)
