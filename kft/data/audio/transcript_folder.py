"""Folders of sounds with their texts: a .txt beside each, or tables of known layouts.

LibriSpeech has a file `*.trans.txt` in the folder of a chapter, with a line for each of
its sounds: the name without ending, a blank, the text. LJSpeech has a metadata.csv
beside the folder of its sounds, without names of columns: the name, the text, and the
text with numbers written out, which is taken, with | between them.

Folders that are called as splits are, such as train, are these; LibriSpeech's names
(train-clean-100, dev-clean) are known too.
"""

import collections
import dataclasses
import functools
import os
import re
from collections.abc import Iterator, Mapping

from kft import errors
from kft.data.audio.audio_payload import AUDIO
from kft.data.examples import TRAIN
from kft.data.sources import filesystem, same_files, split_words, text_file
from kft.data.sources.folder_tree import FolderTree

_CHAPTER = ".trans.txt"
_METADATA = "metadata.csv"
_BESIDE = ".txt"


@dataclasses.dataclass(frozen=True)
class FolderSound:
    """A sound and its text.

    Attributes:
        id: path below the folder, with slashes.
        path: of the file.
        text: as the file has it.
        place: where the text stands, for messages.
        split: one of `examples.SPLITS`.
        size: bytes of the sound.
        is_of_chapter: whether the text is that of a chapter's table.
    """

    id: str
    path: str
    text: str
    place: str
    split: str
    size: int
    is_of_chapter: bool


def find(path: str, flag: str) -> tuple[list[FolderSound], list[str]]:
    """Return the sounds of a folder, sorted by their paths, and what to know of it.

    That is a sentence each for sounds in formats that cannot be read, for hidden ones
    and those with two names, and for texts that belong to no sound.

    Args:
        path: of the folder.
        flag: what names it, for messages.

    Raises:
        errors.ConfigError: where there is no such folder.
        errors.DataError: for a sound without a text, or a text that is not in UTF-8.
    """
    root = filesystem.expand(path)
    if not os.path.isdir(root):
        raise errors.ConfigError(
            f"{flag}: expected a folder of sounds with their texts; there is no "
            f"folder {root!r}."
        )
    listed = FolderTree(AUDIO.file_endings).list_files(root)
    files, others = listed.files, listed.others
    left_out = list(_unread(others))
    if listed.hidden:
        left_out.append(
            f"{listed.hidden} sounds are left out, for names of them or of folders "
            "around them begin with a dot."
        )
    if not files:
        raise errors.DataError(
            f"{flag}: expected files that end in {', '.join(AUDIO.file_endings)}; "
            f"there are none. {' '.join(left_out)}".rstrip()
        )
    chapter, metadata = functools.cache(_chapter), functools.cache(_metadata)
    found = []
    for file in files:
        folder = os.path.dirname(file.path)
        of_chapter = chapter(folder)
        of_folder = metadata(os.path.dirname(folder))
        found.append(_sound(root, file.path, of_chapter, of_folder))
    beside = sum(one.place.endswith(_BESIDE) for one in found if not one.is_of_chapter)
    if beside and others[_BESIDE] > beside:
        left_out.append(
            f"{others[_BESIDE] - beside} of {others[_BESIDE]} files {_BESIDE} have no "
            "sound of the same name."
        )
    names = [one.id for one in found]
    links = same_files.caution(AUDIO.noun, names, [file.identity for file in files])
    return found, [*left_out, *links]


def _unread(others: collections.Counter[str]) -> Iterator[str]:
    """Yield a sentence for each ending of sounds that are not read."""
    for ending, number in sorted(others.items()):
        advice = AUDIO.advice_on_endings.get(ending)
        if advice is not None:
            yield f"{number} files {ending} are left out. {advice}"


def _sound(
    root: str,
    path: str,
    chapter: Mapping[str, tuple[str, str]],
    metadata: Mapping[str, tuple[str, str]],
) -> FolderSound:
    stem = os.path.splitext(path)[0]
    beside = f"{stem}{_BESIDE}"
    name = os.path.basename(stem)
    if os.path.isfile(beside):
        text, place = text_file.read(beside, beside), beside
    elif name in chapter or name in metadata:
        text, place = chapter.get(name) or metadata[name]
    else:
        raise errors.DataError(
            f"{path}: expected its text in {os.path.basename(beside)!r} beside it, or "
            f"a line {name!r} in a file {_CHAPTER} of the folder, or in {_METADATA} "
            "beside it; there is none. Write what is said, or remove the sound."
        )
    relative = os.path.relpath(path, root).replace(os.sep, "/")
    return FolderSound(
        id=relative,
        path=path,
        text=text,
        place=place,
        split=_split(relative),
        size=os.stat(path).st_size,
        is_of_chapter=name in chapter,
    )


def _split(relative: str) -> str:
    """Return the split that the first folder is; train where it is none."""
    first, slash, _ = relative.partition("/")
    word = re.split(r"[^a-z]", first.lower())[0] if slash else ""
    return split_words.of_name(word) or TRAIN


def _chapter(folder: str) -> dict[str, tuple[str, str]]:
    """Return text and place by the name of the sound, of LibriSpeech's tables."""
    found = {}
    for entry in filesystem.entries(folder):
        if entry.is_folder or not entry.name.endswith(_CHAPTER):
            continue
        lines = text_file.read(entry.path, entry.path).splitlines()
        for number, line in enumerate(lines, start=1):
            name, _, text = line.strip().partition(" ")
            if name:
                found[name] = text, f"{entry.path}, line {number}"
    return found


def _metadata(folder: str) -> dict[str, tuple[str, str]]:
    """Return the same of LJSpeech's table; empty where there is none."""
    path = os.path.join(folder, _METADATA)
    if not os.path.isfile(path):
        return {}
    found = {}
    for number, line in enumerate(text_file.read(path, path).splitlines(), start=1):
        name, *texts = line.split("|")
        if name and texts:
            found[name] = texts[-1], f"{path}, line {number}"
    return found
