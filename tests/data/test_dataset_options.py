"""Pipelines that are done when their last element is."""

import re
from pathlib import Path

import tensorflow as tf

from kft.data import dataset_options

PACKAGE = Path(__file__).parents[2] / "kft"


def test_what_is_made_of_the_data_set_has_the_option_too() -> None:
    steady = dataset_options.without_autotuning(tf.data.Dataset.range(3))
    assert steady.map(lambda x: x + 1).batch(2).options().autotune.enabled is False


def test_no_iterator_starts_the_thread_that_its_end_would_wait_for() -> None:
    made = re.compile(r"tf\.data\.\w*Dataset[.(]\w*\(|as_dataset\(|as_numpy_iterator")
    files = [p for p in PACKAGE.rglob("*.py") if made.search(p.read_text())]
    assert len(files) > 5
    without = [p.name for p in files if "without_autotuning(" not in p.read_text()]
    # Reads batches of a pipeline.
    assert without == ["preview.py"]
