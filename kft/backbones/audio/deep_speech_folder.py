"""The folder of a checkpoint of DeepSpeech: which one, and its symbols.

No TensorFlow here: what it is, a mistake in a path is told before that starts.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from kft import errors
from kft.config import user_paths
from kft.data.audio import alphabet

ALPHABET = "alphabet.txt"
# Of the releases for English, as their alphabet.txt has them.
ENGLISH = " abcdefghijklmnopqrstuvwxyz'"
# Files that name a checkpoint, in the order in which DeepSpeech asks them.
_STATES = ("best_dev_checkpoint", "checkpoint")
_INDEX = ".index"


def find(weights: str) -> Path:
    """Return the path of a checkpoint without the endings of its files.

    Args:
        weights: value of `--weights`: a folder as DeepSpeech writes it, in which the
            best checkpoint counts, or the last where none is called so; or the path of
            a checkpoint, with or without .index.

    Raises:
        errors.ConfigError: where there is no checkpoint, or one of several.
    """
    path = user_paths.expand(weights)
    if path.is_dir():
        return _in_folder(path, weights)
    prefix = path.with_name(path.name.removesuffix(_INDEX))
    if _index(prefix).is_file():
        return prefix
    raise errors.ConfigError(
        f"--weights={weights}: expected the folder of a checkpoint of DeepSpeech, or "
        f"its path without the ending {_INDEX}; there is neither."
    )


def _in_folder(folder: Path, weights: str) -> Path:
    for state in _STATES:
        prefix = _named(folder / state)
        if prefix is not None and _index(prefix).is_file():
            return prefix
    found = sorted(folder.glob(f"*{_INDEX}"))
    if len(found) == 1:
        return found[0].with_suffix("")
    raise errors.ConfigError(
        f"--weights={weights}: expected one checkpoint of DeepSpeech, a file that ends "
        f"in {_INDEX}, or a file {' or '.join(_STATES)} that names one of several; "
        f"found {errors.listed([one.name for one in found], most=5) or 'none'}. The "
        "released .pbmm and .tflite files are no checkpoints: download the archive "
        "that is called so."
    )


def _named(state: Path) -> Path | None:
    """Return what a file of the state of a folder names, in that folder."""
    if not state.is_file():
        return None
    text = state.read_text(encoding="utf-8", errors="replace")
    match = re.search(r'^model_checkpoint_path:\s*"(.*)"', text, re.MULTILINE)
    # The folder may have been another one when that was written.
    return state.with_name(re.split(r"[/\\]", match[1])[-1]) if match else None


def _index(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + _INDEX)


def signs(prefix: Path, count: int) -> Sequence[str]:
    """Return the signs that a checkpoint writes, in their order, without the blank.

    They are those of the alphabet.txt beside it, or those of the English releases.

    Raises:
        errors.ConfigError: where these are not `count`.
        errors.DataError: for an alphabet.txt that is none.
    """
    beside = prefix.with_name(ALPHABET)
    found: Sequence[str] = ENGLISH
    if beside.is_file():
        names = alphabet.read(str(beside), flag=str(beside)).names
        found = [alphabet.sign_of(name) for name in names]
    if len(found) != count:
        where = beside if beside.is_file() else "the English alphabet"
        raise errors.ConfigError(
            f"--weights: {prefix} writes {count} symbols and the blank, and {where} "
            f"has {len(found)}. Put the {ALPHABET} that it was trained with beside it."
        )
    return found
