"""Sounds in TensorFlow Datasets, such as speech_commands and librispeech.

Most of them store samples as numbers, some the files as they are. Importing this file
imports neither TensorFlow nor tensorflow_datasets.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, splits
from kft.data.audio import audio_decode, inline_sounds, recorded_sounds
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.recorded_sounds import RecordedSounds
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.data.sources import name_pairs, tfds

_AUDIO, _TEXT, _GROUP = "audio", "text", "group"
# What data sets call the speaker.
_SPEAKER = "speaker_id"
# Whole numbers of any type are samples of 16 bits: data sets are made of such files.
_FULL_SCALE = 1 << 15


@dataclasses.dataclass(frozen=True)
class StoredSounds:
    """How a data set stores its sounds.

    Attributes:
        name: of the feature.
        sample_rate: in hertz; None where the data set does not say.
        channels: of each sound, one after the other in each sample.
    """

    name: str
    sample_rate: int | None
    channels: int

    def encoded(self, record: bytes, windows: Windows) -> bytes:
        """Return the sound of a record as an encoded file, as long as is read of it.

        Args:
            record: a tf.train.Example.
            windows: what of a sound is read.

        Raises:
            errors.DataError: where it is no sound, or its samples have another size.
        """
        import tensorflow as tf

        feature = tf.train.Example.FromString(record).features.feature[self.name]
        if feature.bytes_list.value:
            content = bytes(feature.bytes_list.value[0])
        else:
            content = self._wav(feature)
        return recorded_sounds.bounded(content, windows)

    def _wav(self, feature: Any) -> bytes:
        if self.sample_rate is None:
            raise errors.DataError(
                f"the data set does not say the sample rate of {self.name}. Write its "
                "sounds as WAV files, and name them in a csv: table"
            )
        samples = np.array(feature.float_list.value, np.float32)
        if feature.int64_list.value:
            whole = np.array(feature.int64_list.value)
            samples = (whole / _FULL_SCALE).astype(np.float32)
        loudest = np.abs(samples).max(initial=0.0)
        if loudest > 1.0:
            raise errors.DataError(
                "expected samples of 16 bits, or numbers from -1 to 1; the largest is "
                f"{loudest:.3g} times that"
            )
        mixed = audio_decode.one_channel(samples.reshape(-1, self.channels))
        return inline_sounds.wav(mixed, self.sample_rate)


def load(rest: str, config: config_lib.DataConfig, windows: Windows) -> examples.Splits:
    """Return the splits of sounds with a class each.

    Raises:
        errors.ConfigError, errors.DataError: see `kft.data.sources.tfds.load`.
    """
    labels, table = _classes(rest, config, windows, needs_training=True)
    return splits.assemble(labels, table, config)


def load_known(
    rest: str, config: config_lib.DataConfig, windows: Windows
) -> examples.Labelled:
    """Return them in the data set's own splits, for a run; raises like `load`."""
    return splits.uncut(*_classes(rest, config, windows, needs_training=False))


def _classes(
    rest: str, config: config_lib.DataConfig, windows: Windows, *, needs_training: bool
) -> tuple[LabelMap, examples.Table]:
    builder = tfds.open_builder(rest, config)
    features = tfds.class_features(builder.info, config, AUDIO)
    columns = {features.label: int, **_speakers(builder.info, _SPEAKER)}
    found = tfds.records(builder, config, columns, needs_training=needs_training)
    stored = _stored(builder.info, features.payload[0])
    labels = found.records.columns[features.label].astype(np.int32)
    return features.label_map, _table(found, stored, windows, labels, _SPEAKER)


class Transcribed(typing.NamedTuple):
    """Sounds with texts.

    Attributes:
        table: the sounds; without labels.
        texts: as the data set has them.
    """

    table: examples.Table
    texts: list[str]


def transcribed(
    rest: str,
    config: config_lib.DataConfig,
    windows: Windows,
    *,
    needs_training: bool,
) -> Transcribed:
    """Return the sounds of a data set with their texts.

    Raises:
        errors.ConfigError: see `kft.data.sources.tfds.load`.
        errors.DataError: where its features are no sounds with texts.
    """
    builder = tfds.open_builder(rest, config)
    names = _transcript_features(builder.info, config)
    columns = {names[_TEXT]: bytes, **_speakers(builder.info, names.get(_GROUP))}
    found = tfds.records(builder, config, columns, needs_training=needs_training)
    table = _table(
        found,
        _stored(builder.info, names[_AUDIO]),
        windows,
        np.zeros([len(found.ids)], np.int32),
        names.get(_GROUP),
    )
    texts = found.records.columns[names[_TEXT]]
    return Transcribed(table, [text.decode(errors="replace") for text in texts])


def _table(
    found: tfds.FoundRecords,
    stored: StoredSounds,
    windows: Windows,
    labels: np.ndarray,
    speaker: str | None,
) -> examples.Table:
    groups = found.records.columns.get(speaker) if speaker else None
    return examples.Table(
        ids=found.ids,
        labels=labels,
        sizes=found.records.lengths,
        split_names=found.split_names,
        read=RecordedSounds(found.records, windows, stored.encoded),
        groups=None if groups is None else np.array([_name(one) for one in groups]),
    )


def _name(group: Any) -> str:
    return group.decode(errors="replace") if isinstance(group, bytes) else str(group)


def _stored(info: Any, name: str) -> StoredSounds:
    feature = info.features[name]
    channels = feature.shape[1] if len(feature.shape) > 1 else 1
    # A data set that is read from its folder has 0 for an unknown rate.
    return StoredSounds(name, feature.sample_rate or None, channels or 1)


def _speakers(info: Any, name: str | None) -> dict[str, type]:
    """Return the column of the speakers, where there is one."""
    if name is None or name not in info.features:
        return {}
    is_number = np.issubdtype(info.features[name].np_dtype, np.integer)
    return {name: int if is_number else bytes}


def _transcript_features(info: Any, config: config_lib.DataConfig) -> Mapping[str, str]:
    """Return the names of the features with sounds, texts, and maybe speakers.

    Raises:
        errors.ConfigError: for `--tfds_features` that cannot be.
        errors.DataError: where neither types nor that flag tell.
    """
    import tensorflow_datasets

    known = info.features
    parts = {_AUDIO: _AUDIO, _TEXT: _TEXT, _GROUP: _SPEAKER}
    given = name_pairs.parse("tfds_features", config.tfds_features, parts, needed=())
    of_kind = {
        _AUDIO: tensorflow_datasets.features.Audio,
        _TEXT: tensorflow_datasets.features.Text,
    }
    found = {part: name for part, name in given.items() if name in known}
    for part, kind in of_kind.items():
        names = [name for name in sorted(known) if isinstance(known[name], kind)]
        if len(names) == 1:
            found.setdefault(part, names[0])
        if found.get(part) not in names:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected sounds with a text each, "
                f"received the features {', '.join(sorted(known))}. "
                "--tfds_features=audio=NAME,text=NAME says which they are, and "
                "group=NAME who speaks."
            )
    return found
