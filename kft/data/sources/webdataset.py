"""WebDataset: shards, tar archives in which files of one name are an example.

`0001.jpg` with `0001.cls`, `.txt` or `.json`, which says its class. Shards are looked
through once for where their files lie, and then read in any order, so splits, shuffling
and continuing are as for any other data. Importing this file does not import
TensorFlow.
"""

import dataclasses
import os
import posixpath
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.sources import (
    brace_pattern,
    filesystem,
    label_file,
    record_classes,
    shard_files,
    tar_members,
    webdataset_members,
)
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.records import Records
from kft.data.sources.webdataset_members import ExampleMembers, Said

# Returns what reads records.
Reader = Callable[[Records], examples.Read]

_SHOWN = 4


@dataclasses.dataclass(frozen=True, eq=False)
class FoundShards:
    """The examples of shards.

    Attributes:
        ids: str [n], shard and key.
        records: where the examples lie; the column `label` or `text` says what is to be
            learned.
        split_names: str [n].
    """

    ids: np.ndarray
    records: Records
    split_names: np.ndarray


def check(
    pattern: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    said: Said = webdataset_members.CLASS,
) -> None:
    """Find mistakes without looking through a shard; remote ones wait for `load`.

    Raises:
        errors.ConfigError: where there is no such file, or a flag is wrong.
        errors.DataError: where shards are compressed, or only some say their split.
    """
    webdataset_members.parse(config, payload, said)
    if config.webdataset_labels is not None:
        label_file.read(config.webdataset_labels, "--webdataset_labels")
    if not filesystem.is_remote(pattern):
        paths = _paths(pattern, config)
        shard_files.check_training(shard_files.split_names(paths, config), config)
        for path in paths:
            with tar_members.open_shard(path) as file:
                tar_members.check_is_plain(file, path)


def load(
    pattern: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    reader: Reader | None = None,
) -> examples.Splits:
    """Return the splits of shards: those in their names, or else cut.

    Args:
        pattern: of the shards.
        config: of the data.
        payload: what the examples are.
        reader: returns what reads the records; None for their bytes as they are.

    Raises:
        errors.ConfigError: where there is no such file, or a flag is wrong.
        errors.DataError: for shards that are damaged, or have not what is expected.
    """
    found = read(pattern, config, payload, needs_training=True)
    return splits.assemble(*_classes(found, config, reader, known=None), config)


def load_known(
    pattern: str,
    config: config_lib.DataConfig,
    known: LabelMap,
    payload: PayloadKind,
    *,
    reader: Reader | None = None,
) -> examples.Labelled:
    """Return the examples of shards for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    found = read(pattern, config, payload, needs_training=False)
    return splits.uncut(*_classes(found, config, reader, known=known))


def _classes(
    found: FoundShards,
    config: config_lib.DataConfig,
    reader: Reader | None,
    *,
    known: LabelMap | None,
) -> tuple[LabelMap, examples.Table]:
    from kft.data.sources import record_reader

    # The classes of a run come from no examples in particular: all tell what there is.
    named = found.split_names
    label_map, numbers = record_classes.classes(
        found.records.columns,
        named if known is None else np.full_like(named, TRAIN),
        config,
        option="webdataset_labels",
        of_run=known,
    )
    table = examples.Table(
        ids=found.ids,
        labels=numbers,
        sizes=found.records.lengths,
        split_names=named,
        read=(reader or record_reader.payloads)(found.records),
    )
    return label_map, table


def read(
    pattern: str,
    config: config_lib.DataConfig,
    payload: PayloadKind,
    *,
    needs_training: bool,
    said: Said = webdataset_members.CLASS,
) -> FoundShards:
    """Return the examples of shards; looks through each once.

    Args:
        pattern: of the shards.
        config: of the data.
        payload: what the examples are.
        needs_training: whether there have to be shards of the training split.
        said: what is to be learned of them.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    members = webdataset_members.parse(config, payload, said)
    paths = _paths(pattern, config)
    split_names = shard_files.split_names(paths, config)
    if needs_training:
        shard_files.check_training(split_names, config)
    parts, ids = [], []
    others: dict[str, int] = {}
    for path, name in zip(paths, shard_files.names(paths), strict=True):
        shard, members = _index(path, members, others)
        ids += [f"{name}/{key}" for key in shard.keys]
        parts.append(shard.records)
    if not ids:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected {payload.noun} in the shards, names "
            f"that end in {', '.join(members.payload)}; received "
            f"{_in_words(others) or 'none of any ending'}. "
            f"--webdataset_members={payload.name}=ENDING says how they end."
        )
    if others:
        logging.warning(
            "--dataset=%s: left out, for no %s of the same name is with them: %s.",
            *(config.dataset, payload.name, _in_words(others)),
        )
    return FoundShards(
        ids=np.array(ids),
        records=Records.joined([part for part in parts if len(part.lengths)]),
        split_names=np.repeat(split_names, [len(part.lengths) for part in parts]),
    )


def _in_words(others: Mapping[str, int]) -> str:
    numbered = [f"{number} .{ending}" for ending, number in others.items()]
    return errors.listed(numbered, most=_SHOWN)


@dataclasses.dataclass(frozen=True, eq=False)
class _Shard:
    keys: Sequence[str]
    records: Records


def _index(
    path: str, members: ExampleMembers, others: dict[str, int]
) -> tuple[_Shard, ExampleMembers]:
    """Return the examples of a shard, and the members with what it tells about them.

    Args:
        path: of the shard.
        members: which ones make an example.
        others: number of files that belong to no example, by ending; counted up.
    """
    keys, places, said = [], [], []
    with tar_members.open_shard(path) as file:
        for key, endings in tar_members.index(file, path).items():
            place = f"{path}, {key}"
            ending = members.payload_of(endings, place)
            if ending is None:
                for one in endings:
                    others[one] = others.get(one, 0) + 1
                continue
            members = members.with_label_of(endings, place)
            label = members.label_of(endings, place)
            members, value = members.read_label(file, label, place)
            keys.append(key)
            places.append(endings[ending])
            said.append(value)
    part, kind = ("text", object) if members.are_texts else ("label", np.int64)
    records = Records(
        files=(path,),
        file_numbers=np.zeros([len(keys)], np.int32),
        offsets=np.array([place.offset for place in places], np.int64),
        lengths=np.array([place.size for place in places], np.int64),
        columns={part: np.array(said, kind)},
    )
    return _Shard(keys, records), members


def _paths(pattern: str, config: config_lib.DataConfig) -> list[str]:
    """Return the shards, sorted."""
    local = filesystem.expand(pattern)
    if filesystem.is_folder(local):
        paths = shard_files.matching(posixpath.join(local, "*.tar"))
        paths += shard_files.matching(posixpath.join(local, "*", "*.tar"))
        missing = ["*.tar"] if not paths else []
    elif os.path.isfile(local):
        paths, missing = [local], []
    else:
        try:
            named = brace_pattern.expand(pattern)
        except ValueError as error:
            raise errors.ConfigError(f"--dataset={config.dataset}: {error}.") from error
        by_name = {name: shard_files.matching(name) for name in named}
        missing = [name for name, found in by_name.items() if not found]
        paths = [path for found in by_name.values() for path in found]
    if missing:
        raise errors.ConfigError(
            f"--dataset={config.dataset}: expected shards, such as "
            "webdataset:shards/train-{000000..000009}.tar, a pattern with * or a "
            f"folder; no file matches {errors.listed(missing, most=_SHOWN)}. Check the "
            "path; in a shell, braces and patterns need quotes."
        )
    return sorted(dict.fromkeys(paths))
