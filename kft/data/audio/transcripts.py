"""Sounds with the texts that are spoken in them: in files, or TensorFlow Datasets."""

import dataclasses
import functools
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from absl import logging

from kft import errors
from kft.config import SpeechRecognitionConfig
from kft.data import Source, examples, splits
from kft.data.audio import alphabet, sound_rows, tfds_sounds, transcript_folder
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.recorded_sounds import RecordedSounds
from kft.data.audio.sound_files import SoundFiles
from kft.data.audio.transcript_folder import FolderSound
from kft.data.audio.windows import Windows
from kft.data.examples import TRAIN
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.data.sources import (
    csv_file,
    filesystem,
    labelled_rows,
    metadata_folder,
    table_file,
    text_file,
    tfds,
    webdataset,
)
from kft.data.sources.labelled_rows import LabelledRow
from kft.data.sources.table_file import TableRow
from kft.data.sources.webdataset_members import Said

_TEXT = "text"
# Columns as Mozilla's DeepSpeech has them, and Common Voice, whose sounds lie in a
# folder beside its tables.
_DEEPSPEECH = {"path": "wav_filename", _TEXT: "transcript"}
_COMMON_VOICE = {"path": "path", _TEXT: "sentence", "group": "client_id"}
_CLIPS = "clips"
_SAID = Said(_TEXT, ("txt", "json"), kinds="a text")
# What the texts are called where a metadata.csv lists the sounds of a folder.
_TRANSCRIPTS = ("transcription", "transcript", "sentence")
# Read beyond the longest sound, so that a longer one is known to be one.
_BEYOND = 1.0


@dataclasses.dataclass(frozen=True)
class Transcript:
    """What is said in an example.

    Attributes:
        text: normalized.
        split: one of `examples.SPLITS`.
        place: file and line, for messages.
    """

    text: str
    split: str
    place: str


def reading(seconds: float, sample_rate: int) -> Windows:
    """Return how much of a file is read: somewhat more than the longest sound."""
    return Windows(sample_rate=sample_rate, seconds=seconds + _BEYOND)


def sources(sample_rate: int) -> dict[str, Source]:
    """Return the sources of transcribed sounds, by what stands before the colon."""

    def table_of(path: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_table(path, config, sample_rate)

    def folder_of(path: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_folder(path, config, sample_rate)

    def dataset_of(name: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_tfds(name, config, sample_rate, needs_training=True)

    def known_of(name: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_tfds(name, config, sample_rate, needs_training=False)

    def shards_of(pattern: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_shards(pattern, config, sample_rate, needs_training=True)

    def known_shards_of(pattern: str, config: SpeechRecognitionConfig) -> "_Found":
        return _of_shards(pattern, config, sample_rate, needs_training=False)

    return {
        "csv": _source("csv:PATH", table_of),
        "folder": dataclasses.replace(
            _source("folder:PATH", folder_of),
            check_options=functools.partial(
                metadata_folder.check_options, read_rows=_listed
            ),
        ),
        "tfds": dataclasses.replace(
            _source("tfds:NAME", dataset_of, find_known=known_of),
            check=_check_tfds,
            is_path=False,
        ),
        "webdataset": dataclasses.replace(
            _source("webdataset:SHARDS", shards_of, find_known=known_shards_of),
            check=_check_shards,
        ),
    }


def _check_shards(pattern: str, config: SpeechRecognitionConfig) -> None:
    if config.webdataset_labels is not None:
        raise errors.ConfigError(
            f"--webdataset_labels={config.webdataset_labels} is about classes, and "
            "texts are what is learned here. Remove it."
        )
    if config.alphabet is not None:
        alphabet.read(config.alphabet)
    webdataset.check(pattern, config, AUDIO, said=_SAID)


def _check_tfds(name: str, config: SpeechRecognitionConfig) -> None:
    if config.alphabet is not None:
        alphabet.read(config.alphabet)
    tfds.check(name, config)


@dataclasses.dataclass(frozen=True, eq=False)
class _Found:
    """What a source found.

    Attributes:
        transcripts: of all examples.
        table: the examples; without their labels.
        cautions: what to know of the data, such as what is not read; sentences.
    """

    transcripts: Sequence[Transcript]
    table: examples.Table
    cautions: Sequence[str] = ()


_Find = Callable[[str, SpeechRecognitionConfig], _Found]


def _source(form: str, find: _Find, *, find_known: _Find | None = None) -> Source:
    def check(path: str, config: SpeechRecognitionConfig) -> None:
        if config.alphabet is not None:
            alphabet.read(config.alphabet)
        if not filesystem.is_remote(path):
            found = find(path, config)
            _labels(found.transcripts, _symbols(found.transcripts, config))

    def load(path: str, config: SpeechRecognitionConfig) -> examples.Splits:
        found = find(path, config)
        symbols = _symbols(found.transcripts, config)
        labels = _labels(found.transcripts, symbols)
        labelled_rows.warn(found.cautions, config)
        _say(config, found.transcripts, symbols)
        table = dataclasses.replace(found.table, labels=labels)
        return splits.assemble(symbols, table, config, labels_are="characters")

    def load_known(
        path: str, config: SpeechRecognitionConfig, known: LabelMap
    ) -> examples.Labelled:
        found = (find_known or find)(path, config)
        names = {
            alphabet.SPACE if sign == " " else sign
            for one in found.transcripts
            for sign in one.text
        }
        symbols = known.with_others(names)
        labels = _labels(found.transcripts, symbols)
        return splits.uncut(symbols, dataclasses.replace(found.table, labels=labels))

    return Source(form, check, load, load_known)


def _symbols(
    transcripts: Sequence[Transcript], config: SpeechRecognitionConfig
) -> LabelMap:
    if config.alphabet is not None:
        return alphabet.read(config.alphabet)
    labelled_rows.check_training([one.split for one in transcripts], config)
    return alphabet.of_texts(one.text for one in transcripts if one.split == TRAIN)


def _labels(transcripts: Iterable[Transcript], symbols: LabelMap) -> Ragged:
    """Return the symbols of each text.

    Raises:
        errors.DataError: naming the place of a character that is none.
    """
    rows = []
    for one in transcripts:
        try:
            rows.append(alphabet.ids(one.text, symbols))
        except errors.DataError as error:
            stray = next(s for s in one.text if not _is_known(s, symbols))
            raise errors.DataError(
                f"{one.place}: the character {stray!r} of {one.text!r} is none of the "
                f"{len(symbols)} that training texts have, or --alphabet. Correct the "
                "text, name all characters in a file with --alphabet, or see "
                "--normalize."
            ) from error
    return Ragged.from_rows(rows, like=np.zeros([0], np.int32))


def _is_known(sign: str, symbols: LabelMap) -> bool:
    return (alphabet.SPACE if sign == " " else sign) in symbols.names


def _say(
    config: SpeechRecognitionConfig,
    transcripts: Sequence[Transcript],
    symbols: LabelMap,
) -> None:
    signs = "".join(map(alphabet.sign_of, symbols.names))
    logging.info(
        "--normalize=%s: texts are %s. %d symbols: %r",
        *(config.normalize, alphabet.RULES[config.normalize], len(symbols), signs),
    )
    digits = sum(any(s.isdigit() for s in one.text) for one in transcripts)
    if digits:
        logging.warning(
            "%d of %d texts have digits, which are learned as they are written: where "
            "they are read out as words, write them as words.",
            *(digits, len(transcripts)),
        )


def _normal(text: str, place: str, config: SpeechRecognitionConfig) -> str:
    """Return a normalized text, which has something left to learn."""
    found = alphabet.normalized(text, config.normalize)
    if not found:
        raise errors.DataError(
            f"{place}: expected a text, received {text.strip()!r}, of which "
            f"--normalize={config.normalize} leaves nothing. Write what is said, or "
            "remove the sound."
        )
    return found


def _of_table(path: str, config: SpeechRecognitionConfig, sample_rate: int) -> _Found:
    config = _with_columns(path, config)
    rows = [_in_clips(row, path) for row in sound_rows.read(path, config, label=_TEXT)]
    return _of_rows(path, rows, config, sample_rate)


def _of_rows(
    path: str,
    rows: Sequence[TableRow],
    config: SpeechRecognitionConfig,
    sample_rate: int,
) -> _Found:
    """Return the sounds of rows whose paths are relative to the table at a path."""
    split_names = labelled_rows.split_names(rows)
    labelled_rows.check_groups(rows, split_names)
    sound_rows.say_divided(path, rows, split_names, flag=labelled_rows.flag(config))
    paths = [csv_file.join(path, name) for name in csv_file.normal_names(rows)]
    spans = [sound_rows.span(row) for row in rows]
    files = csv_file.find_files(path, rows, paths, config)
    table = examples.Table(
        ids=np.array(sound_rows.ids(path, rows)),
        labels=np.zeros([len(rows)], np.int32),
        sizes=files.sizes,
        split_names=np.array(split_names),
        read=SoundFiles(paths, reading(config.seconds, sample_rate), spans),
        groups=sound_rows.groups(path, rows),
    )
    pairs = zip(rows, split_names, strict=True)
    transcripts = [_of_row(row, split, config) for row, split in pairs]
    return _Found(transcripts, table, files.cautions)


def _of_row(row: TableRow, split: str, config: SpeechRecognitionConfig) -> Transcript:
    text = _normal(row.values[_TEXT], row.place, config)
    return Transcript(text, split, row.place)


def _with_columns(
    path: str, config: SpeechRecognitionConfig
) -> SpeechRecognitionConfig:
    """Return the config with the columns of a table of DeepSpeech or Common Voice."""
    flag = labelled_rows.flag(config)
    text_file.check_exists(path, flag=flag)
    if config.csv_columns:
        return config
    content = text_file.read(path, flag)
    for known in (_DEEPSPEECH, _COMMON_VOICE):
        if table_file.has_columns(content, list(known.values()), flag=flag):
            columns = tuple(f"{part}={name}" for part, name in known.items())
            return dataclasses.replace(config, csv_columns=columns)
    return config


def _in_clips(row: TableRow, table: str) -> TableRow:
    """Return the row with the folder of Common Voice, where the sound lies there."""
    name = row.values["path"]
    within = posixpath.join(_CLIPS, name)
    if os.path.lexists(csv_file.join(table, name)):
        return row
    if not os.path.isfile(csv_file.join(table, within)):
        return row
    return dataclasses.replace(row, values={**row.values, "path": within})


def _of_folder(path: str, config: SpeechRecognitionConfig, sample_rate: int) -> _Found:
    rows = _listed(path, config)
    if rows:
        listed = _of_rows(metadata_folder.table(path), rows, config, sample_rate)
        unlisted = metadata_folder.cautions(path, rows, AUDIO)
        return dataclasses.replace(listed, cautions=(*listed.cautions, *unlisted))
    found, cautions = transcript_folder.find(path, labelled_rows.flag(config))
    windows = reading(config.seconds, sample_rate)
    table = examples.Table(
        ids=np.array([one.id for one in found]),
        labels=np.zeros([len(found)], np.int32),
        sizes=np.array([one.size for one in found], np.int64),
        split_names=np.array([one.split for one in found]),
        read=SoundFiles([one.path for one in found], windows),
        groups=_groups(found),
    )
    transcripts = [
        Transcript(_normal(one.text, one.place, config), one.split, one.place)
        for one in found
    ]
    return _Found(transcripts, table, cautions)


def _of_tfds(
    name: str,
    config: SpeechRecognitionConfig,
    sample_rate: int,
    *,
    needs_training: bool,
) -> _Found:
    windows = reading(config.seconds, sample_rate)
    found = tfds_sounds.transcribed(
        name, config, windows, needs_training=needs_training
    )
    rows = zip(found.table.ids, found.texts, found.table.split_names, strict=True)
    transcripts = [
        Transcript(
            _normal(text, f"--dataset={config.dataset}, {id_}", config), split, id_
        )
        for id_, text, split in rows
    ]
    return _Found(transcripts, found.table)


def _of_shards(
    pattern: str,
    config: SpeechRecognitionConfig,
    sample_rate: int,
    *,
    needs_training: bool,
) -> _Found:
    found = webdataset.read(
        pattern, config, AUDIO, needs_training=needs_training, said=_SAID
    )
    records = found.records
    table = examples.Table(
        ids=found.ids,
        labels=np.zeros([len(found.ids)], np.int32),
        sizes=records.lengths,
        split_names=found.split_names,
        read=RecordedSounds(records, reading(config.seconds, sample_rate)),
    )
    # Numbers where all texts are numbers in JSON.
    (said,) = records.columns.values()
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in said]
    rows = zip(found.ids.tolist(), texts, found.split_names.tolist(), strict=True)
    transcripts = []
    for id_, text, split in rows:
        place = f"{labelled_rows.flag(config)}, {id_}"
        transcripts.append(Transcript(_normal(text, place, config), split, place))
    return _Found(transcripts, table)


def _listed(path: str, config: SpeechRecognitionConfig) -> Sequence[LabelledRow]:
    """Return the rows that list the sounds of a folder; none where none do.

    A metadata.csv without names of columns is that of LJSpeech.
    """
    return metadata_folder.read(
        path,
        dataclasses.replace(sound_rows.columns(_TEXT), label_synonyms=_TRANSCRIPTS),
        config,
        AUDIO,
        strict=False,
    )


def _groups(found: Sequence[FolderSound]) -> np.ndarray | None:
    """Return who speaks in LibriSpeech's layout; None in any other.

    There a folder of a speaker has folders of chapters.
    """
    if not all(one.is_of_chapter for one in found):
        return None
    chapters = [posixpath.dirname(one.id) for one in found]
    return np.array([posixpath.basename(posixpath.dirname(one)) for one in chapters])
