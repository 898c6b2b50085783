"""A file for each split, in one folder: train.conll, validation.conll, test.conll."""

from collections.abc import Sequence
from pathlib import Path

from kft import config as config_lib
from kft import errors
from kft.data.examples import TEST, TRAIN, VALIDATION
from kft.data.sources import filesystem, split_words

# What CoNLL-2003 calls its files.
_NAMES = {"testa": VALIDATION, "testb": TEST}


def find(
    path: str, config: config_lib.DataConfig, *, like: str, trains: bool
) -> Sequence[tuple[str, str | None]]:
    """Return files, each with its split; None where nothing names one.

    Args:
        path: of a folder with a file for each split, or of one file, local or remote.
        config: of the data.
        like: the name of a file of training examples, for messages.
        trains: whether a folder has to have one.

    Raises:
        errors.DataError: for a folder without such files.
    """
    folder = Path(filesystem.expand(path))
    if filesystem.is_remote(path) or not folder.is_dir():
        return [(path, None)]
    named = {
        file: _NAMES.get(file.stem.lower()) or split_words.within_name(file.stem)
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
    }
    found = [(str(file), split) for file, split in named.items() if split]
    if not found or (trains and TRAIN not in {split for _, split in found}):
        raise errors.DataError(
            f"--dataset={config.dataset}: expected a file such as {like} in the "
            "folder, and the same for validation and test where wanted; there are "
            f"{', '.join(file.name for file in named) or 'no files'}."
        )
    return found
