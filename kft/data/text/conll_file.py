"""Words with tags in text files, a word a line and an empty line between sentences.

Columns have tabs between them, or else blanks. By default the first is the word and the
last its tag. Lines of the word -DOCSTART- count as empty; those before a sentence that
begin with # and have no tag are comments.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from absl import logging

from kft import config as config_lib
from kft import errors
from kft.data import examples
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, name_pairs, split_files, text_file
from kft.data.text import tag_schemes, tagged_texts, words
from kft.data.text.tagged_texts import TaggedText

_WORD, _TAG = "word", "tag"
_DOCUMENT = "-DOCSTART-"
# Words of a sentence from which on it is likely to be several.
_LONG = 500


@dataclasses.dataclass(frozen=True)
class _Sentence:
    """A sentence as a file has it.

    Attributes:
        place: file and line of its first word, for messages.
        line: number of that line.
        words: of the sentence.
        tags: of the words, in the scheme of the file.
        split: one of `examples.SPLITS`; None where no file says.
    """

    place: str
    line: int
    words: Sequence[str]
    tags: Sequence[str]
    split: str | None

    def place_of(self, position: int) -> str:
        """Return the line of a word, for messages."""
        return f"{self.place}, line {self.line + position}"


def check(path: str, config: config_lib.TagOptions) -> None:
    """Find mistakes in files; remote ones wait for `load`.

    Raises: see `load`.
    """
    if not filesystem.is_remote(path):
        read(path, config)


def load(path: str, config: config_lib.TagOptions) -> examples.Splits:
    """Return the splits of a file, or of a folder with a file for each split.

    Raises:
        errors.ConfigError: where there is no such file, or `--conll_columns` is wrong.
        errors.DataError: for a line that cannot be, by its file and number.
    """
    found = read(path, config)
    longest = max(len(one.tags) for one in found)
    if longest > _LONG:
        logging.warning(
            "--dataset=%s: a sentence has %d words. An empty line ends a sentence; "
            "where there is none they are one, of which only the beginning is read.",
            config.dataset,
            longest,
        )
    return tagged_texts.assemble(found, config)


def load_known(
    path: str, config: config_lib.TagOptions, known: LabelMap
) -> examples.Labelled:
    """Return the texts for a run, of which types may be missing; raises like `load`."""
    return tagged_texts.known(read(path, config, trains=False), known)


def read(
    path: str, config: config_lib.TagOptions, *, trains: bool = True
) -> list[TaggedText]:
    """Return the sentences with tags in BIO; raises like `load`.

    Args:
        path: of a file or folder.
        config: how it is read.
        trains: whether a folder has to have sentences for training.
    """
    places = _places(config.conll_columns)
    sentences = [
        sentence
        for file, split in split_files.find(
            path, config, like="train.conll", trains=trains
        )
        for sentence in _sentences(file, split, places)
    ]
    if not sentences:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected words with tags, a word a line; "
            "there is none."
        )
    splits = [one.split for one in sentences]
    return tagged_texts.of_words(sentences, splits, scheme=config.tag_scheme)


def _places(pairs: Sequence[str]) -> tuple[int, int]:
    """Return the places of word and tag in a line, from 0, or negative from its end."""
    names = name_pairs.parse(
        "conll_columns", pairs, {_WORD: "1", _TAG: "-1"}, needed=(_WORD, _TAG)
    )
    places = []
    for part in (_WORD, _TAG):
        try:
            number = int(names[part])
        except ValueError:
            number = 0
        if not number:
            raise errors.ConfigError(
                f"--conll_columns: expected the number of a column, from 1 on or from "
                f"-1 backwards, received {part}={names[part]}."
            )
        places.append(number - 1 if number > 0 else number)
    return places[0], places[1]


def _sentences(
    file: str, split: str | None, places: tuple[int, int]
) -> Iterator[_Sentence]:
    content = text_file.read(_existing(file), file)
    rows: list[tuple[str, str]] = []
    lines = content.replace("\r\n", "\n").split("\n")
    for number, line in enumerate([*lines, ""], start=1):
        if not rows and _is_comment(line, places):
            continue
        row = _row(line, places, f"{file}, line {number}")
        if row is not None:
            rows.append(row)
        elif rows:
            found, tags = zip(*rows, strict=True)
            yield _Sentence(file, number - len(rows), found, tags, split)
            rows = []


def _existing(file: str) -> str:
    text_file.check_exists(file, flag="--dataset=conll:")
    return file


def _is_comment(line: str, places: tuple[int, int]) -> bool:
    """Return whether a line before a sentence is about it, as CoNLL-U has them.

    A sentence may begin with the word #, which has a tag.
    """
    if not line.startswith("#"):
        return False
    try:
        tag_schemes.check(_columns(line)[places[1]])
    except (ValueError, IndexError):
        return True
    return False


def _columns(line: str) -> list[str]:
    """Return the columns; blanks other than that of ASCII may be within words."""
    columns = line.split("\t") if "\t" in line else filter(None, line.split(" "))
    return [column.strip() for column in columns]


def _row(line: str, places: tuple[int, int], where: str) -> tuple[str, str] | None:
    """Return word and tag of a line; None where it is empty.

    Raises:
        errors.DataError: where it is no such line.
    """
    if not line.strip():
        return None
    columns = _columns(line)
    needed = max(place + 1 if place >= 0 else -place for place in places)
    if len(columns) < max(needed, 2):
        raise errors.DataError(
            f"{where}: expected a word and its tag with a tab or blanks between them, "
            f"received {line!r}. Every word needs a tag; sentences have an empty line "
            "between them."
        )
    word, tag = columns[places[0]], columns[places[1]]
    if word == _DOCUMENT:
        return None
    if not word or "\0" in word or words.SEPARATOR in word:
        raise errors.DataError(f"{where}: expected a word, received {word!r}.")
    try:
        tag_schemes.check(tag)
    except ValueError as error:
        raise errors.DataError(
            f"{where}: {error}. --conll_columns says where word and tag are, such as "
            "word=1,tag=4. A tag that is only a type, such as PER, is I-PER here."
        ) from error
    return word, tag
