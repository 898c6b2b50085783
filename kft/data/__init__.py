"""Data sets: where examples come from, how they are split, ordered and read.

Importing this package does not import TensorFlow, nor does `load_splits` of local
files: reading them does.
"""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kft import config as config_lib
from kft import errors
from kft.data import examples, split_file, splits
from kft.data.labels import LabelMap
from kft.data.sources import (
    csv_file,
    filesystem,
    folder,
    given,
    hf,
    tfds,
    tfrecord,
    webdataset,
)
from kft.data.sources.payload_kind import PayloadKind


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of data set, chosen by what stands before the colon of `--dataset`.

    Attributes:
        form: how a person writes it, such as `folder:PATH`.
        check: takes what stands behind the colon, and the config of the task; finds
            mistakes fast and without TensorFlow, and raises ConfigError or DataError.
        load: takes the same; returns the splits, or raises as `check` does.
        check_options: takes what `check` takes; raises ConfigError for an option about
            something that data of this kind may have, and this has not. None where the
            kind alone tells.
        load_known: takes the classes of a run as well, and returns what can be measured
            with it: any part of data that one could train on, such as the test split
            alone. None where only the whole of it is understood.
        is_path: whether what stands behind the colon is a path or a pattern of paths.
        names_splits: whether there may be splits that the data itself names.
        has_several_labels: whether it says of examples that they are of several
            classes, or of none.
    """

    form: str
    check: Callable[[str, Any], None]
    load: Callable[[str, Any], examples.Splits]
    load_known: Callable[[str, Any, LabelMap], examples.Labelled] | None = None
    check_options: Callable[[str, Any], None] | None = None
    is_path: bool = True
    names_splits: bool = True
    has_several_labels: bool = False


# Of every task, and not for the command line.
_GIVEN = Source(
    "data= of kft.fine_tune",
    given.check,
    given.load,
    given.load_known,
    is_path=False,
    has_several_labels=True,
)


# Options that some kinds of data sets read: what stands before their colons.
_KINDS_OF_OPTION = {
    "folder_layout": ("folder",),
    "csv_columns": ("csv", "folder"),
    "label_columns": ("csv", "folder", given.KIND),
    "hf_columns": ("hf",),
    "tfds_features": ("tfds",),
    "data_dir": ("tfds",),
    "train_split": ("tfds",),
    "validation_split": ("tfds",),
    "test_split": ("tfds",),
    "tfrecord_features": ("tfrecord",),
    "tfrecord_labels": ("tfrecord",),
    "webdataset_members": ("webdataset",),
    "webdataset_labels": ("webdataset",),
    "jsonl_keys": ("jsonl",),
    "conll_columns": ("conll",),
    "tag_scheme": ("conll", "jsonl"),
    "tag_names": ("jsonl",),
}


_KINDS_BY_ENDING = {
    **dict.fromkeys((".csv", ".tsv"), ("csv",)),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), ("jsonl",)),
    **dict.fromkeys((".conll", ".iob", ".bio"), ("conll",)),
    **dict.fromkeys((".tfrecord", ".tfrecords"), ("tfrecord",)),
    ".tar": ("webdataset",),
}


def sources_of(payload: PayloadKind) -> dict[str, Source]:
    """Return the sources of encoded examples of one kind, and of their classes."""
    return {
        "folder": Source(
            "folder:PATH",
            functools.partial(folder.check, payload=payload),
            functools.partial(folder.load, payload=payload),
            functools.partial(folder.load_known, payload=payload),
            functools.partial(folder.check_options, payload=payload),
            has_several_labels=True,
        ),
        "csv": Source(
            "csv:PATH",
            csv_file.check,
            csv_file.load,
            csv_file.load_known,
            has_several_labels=True,
        ),
        "tfds": Source(
            "tfds:NAME",
            tfds.check,
            functools.partial(tfds.load, payload=payload),
            functools.partial(tfds.load_known, payload=payload),
            is_path=False,
        ),
        "tfrecord": Source(
            "tfrecord:GLOB",
            functools.partial(tfrecord.check, payload=payload),
            functools.partial(tfrecord.load, payload=payload),
            functools.partial(tfrecord.load_known, payload=payload),
        ),
        "webdataset": Source(
            "webdataset:SHARDS",
            functools.partial(webdataset.check, payload=payload),
            functools.partial(webdataset.load, payload=payload),
            functools.partial(webdataset.load_known, payload=payload),
        ),
        "hf": of_hub(lambda config: payload),
    }


def of_hub(payload_of: Callable[[Any], PayloadKind]) -> Source:
    """Return the source of data sets of Hugging Face.

    Args:
        payload_of: says of a config what its examples are.
    """
    return Source(
        "hf:NAME",
        lambda rest, config: hf.check(rest, config, payload_of(config)),
        lambda rest, config: hf.load(rest, config, payload_of(config)),
        lambda rest, config, known: hf.load_known(
            rest, config, known, payload_of(config)
        ),
        has_several_labels=True,
    )


def check_dataset(config: config_lib.DataConfig, sources: Mapping[str, Source]) -> None:
    """Find mistakes in the flags and folders of a data set, fast, without TensorFlow.

    Args:
        config: of the data.
        sources: those that there are, by what stands before the colon.

    Raises:
        errors.ConfigError: for flags that name no data set or contradict each other.
        errors.DataError: for data that cannot be used as it is.
    """
    source, rest = _source(config, sources)
    problems = [*_stray_options(config, sources), *_label_problems(config)]
    if problems:
        raise errors.ConfigError("\n".join(problems))
    if source.check_options is not None:
        source.check_options(rest, config)
    _check_source(config, sources)


def _check_source(config: config_lib.DataConfig, sources: Mapping[str, Source]) -> None:
    source, rest = _source(config, sources)
    splits.check_fractions(config)
    split_file.check(config)
    source.check(rest, config)


def _stray_options(
    config: config_lib.DataConfig, sources: Mapping[str, Source]
) -> Iterator[str]:
    """Yield what is given for another kind of data set than that of the config."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    own = config.dataset.partition(":")[0]
    for name, kinds in _KINDS_OF_OPTION.items():
        if name not in defaults or own in kinds:
            continue
        if getattr(config, name) == defaults[name]:
            continue
        forms = [sources[kind].form for kind in kinds if kind in sources]
        if forms:
            belongs = f"belongs to --dataset={' or '.join(forms)}"
        else:
            belongs = (
                f"is about --dataset={kinds[0]}:..., which --task={config.task} does "
                "not take"
            )
        yield (
            f"--{name} {belongs}, received --dataset={config.dataset}. Remove --{name}."
        )


def _label_problems(config: config_lib.DataConfig) -> Iterator[str]:
    """Yield what does not go with the number of classes that examples have."""
    columns = ",".join(config.class_columns)
    if columns and not config.is_multi_label:
        yield (
            f"--label_columns={columns}: expected --multi_label with it: an example "
            "may have a 1 in several of these columns, or in none."
        )
    of_one_class = {
        "examples_per_class": config.examples_per_class,
        "sampling": None if config.sampling == "natural" else config.sampling,
    }
    for name, value in of_one_class.items():
        if config.is_multi_label and value is not None:
            yield (
                f"--{name}={value} is about examples of one class each, received "
                f"--multi_label. Remove --{name}."
            )


def load_splits(
    config: config_lib.DataConfig, sources: Mapping[str, Source]
) -> examples.Splits:
    """Return the splits of `--dataset`.

    Args:
        config: of the data.
        sources: those that there are, by what stands before the colon.

    Raises:
        errors.ConfigError: where there is no such data set, or for fractions and files
            of splits that cannot be.
        errors.DataError: for data that cannot be used as it is.
    """
    _check_source(config, sources)
    source, rest = _source(config, sources)
    return source.load(rest, config)


def load_known(
    config: config_lib.DataConfig, sources: Mapping[str, Source], known: LabelMap
) -> examples.Labelled:
    """Return the examples of `--dataset` in the splits that it names, none cut off.

    They need not be enough to train on: classes may be missing, and the training split.

    Args:
        config: of the data.
        sources: those that there are, by what stands before the colon.
        known: classes of a run, by which folders and labels are told.

    Raises:
        errors.ConfigError, errors.DataError: see `load_splits`.
    """
    source, rest = _source(config, sources)
    if source.load_known is not None:
        return source.load_known(rest, config, known)
    splits = load_splits(config, sources)
    return examples.Labelled(splits.labels, splits.parts())


def _as_path(path: str, sources: Mapping[str, Source]) -> str:
    """Return advice on the path of a folder or file alone; empty where it is none."""
    place = filesystem.expand(path)
    if filesystem.is_remote(place):
        return ""
    kinds: tuple[str, ...] = ()
    if os.path.isdir(place):
        kinds = ("folder", "conll")
    elif os.path.isfile(place):
        ending = os.path.splitext(place)[1].lower()
        kinds = _KINDS_BY_ENDING.get(ending, ())
        if ending in filesystem.ARCHIVES and not sources.keys() & set(kinds):
            return f"Unpack {path} first; then it is --dataset=folder:FOLDER."
    found = [f"--dataset={kind}:{path}" for kind in kinds if kind in sources]
    return f"Did you mean {found[0]}?" if found else ""


def _source(
    config: config_lib.DataConfig, sources: Mapping[str, Source]
) -> tuple[Source, str]:
    prefix, _, rest = config.dataset.partition(":")
    known = {**sources, given.KIND: _GIVEN}
    if prefix not in known:
        *forms, last = (source.form for source in sources.values())
        expected = f"{', '.join(forms)} or {last}" if forms else last
        near = _as_path(config.dataset, sources) or errors.closest(prefix, sources)
        raise errors.ConfigError(
            f"--dataset: expected {expected}, received {config.dataset!r}. {near}"
        )
    if config.is_multi_label and not known[prefix].has_several_labels:
        able = [source.form for source in sources.values() if source.has_several_labels]
        raise errors.ConfigError(
            f"--multi_label: --dataset={config.dataset} says one class for each "
            f"example. Several are read from {' or '.join(able)}, where the label is "
            "their names."
        )
    return known[prefix], rest
