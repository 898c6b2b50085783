"""Data sets: where examples come from, how they are split, ordered and read.

Importing this package does not import TensorFlow, nor does `load_splits` of local
files: reading them does.
"""

import dataclasses
from collections.abc import Callable

from kft import config as config_lib
from kft import errors
from kft.data import examples, split_file, splits
from kft.data.sources import csv_file, digits, folder, tfds, tfrecord


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of data set, chosen by what stands before the colon of `--dataset`.

    Attributes:
        check: takes what stands behind the colon, and the config; finds mistakes fast
            and without TensorFlow, and raises ConfigError or DataError.
        load: takes the same; returns the splits, or raises as `check` does.
    """

    check: Callable[[str, config_lib.DataConfig], None]
    load: Callable[[str, config_lib.DataConfig], examples.Splits]


SOURCES = {
    "csv": Source(csv_file.check, csv_file.load),
    "digits": Source(digits.check, digits.load),
    "folder": Source(folder.check, folder.load),
    "tfds": Source(tfds.check, tfds.load),
    "tfrecord": Source(tfrecord.check, tfrecord.load),
}


def check_dataset(config: config_lib.DataConfig) -> None:
    """Find mistakes in the flags and folders of a data set, fast, without TensorFlow.

    Raises:
        errors.ConfigError: for flags that name no data set or contradict each other.
        errors.DataError: for data that cannot be used as it is.
    """
    source, rest = _source(config)
    splits.check_fractions(config)
    split_file.check(config)
    for name in ("train_split", "validation_split", "test_split", "data_dir"):
        if getattr(config, name) is not None and source is not SOURCES["tfds"]:
            raise errors.ConfigError(
                f"--{name} belongs to --dataset=tfds:NAME, received "
                f"--dataset={config.dataset}. Remove --{name}."
            )
    source.check(rest, config)


def load_splits(config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of `--dataset`.

    Raises:
        errors.ConfigError: for flags that name no data set or contradict each other.
        errors.DataError: for data that cannot be used as it is.
    """
    check_dataset(config)
    source, rest = _source(config)
    return source.load(rest, config)


def _source(config: config_lib.DataConfig) -> tuple[Source, str]:
    prefix, _, rest = config.dataset.partition(":")
    if prefix not in SOURCES:
        raise errors.ConfigError(
            "--dataset: expected digits, folder:PATH, csv:PATH, tfds:NAME or "
            f"tfrecord:GLOB, received {config.dataset!r}. "
            f"{errors.closest(prefix, SOURCES)}"
        )
    return SOURCES[prefix], rest
