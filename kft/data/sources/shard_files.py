"""Files that each hold many examples: which there are, and of which split each is.

Where the name of every file, or else of its folder, has a word like train or
validation, these are the splits.
"""

import glob
import os
import posixpath
from collections.abc import Sequence

from kft import config as config_lib
from kft import errors
from kft.data.examples import TRAIN
from kft.data.sources import filesystem, split_words


def matching(pattern: str) -> list[str]:
    """Return the files of a pattern, local or remote, sorted."""
    if filesystem.is_remote(pattern):
        return sorted(filesystem.remote_glob(pattern))
    return sorted(_local_paths(filesystem.expand(pattern)))


def _local_paths(pattern: str) -> list[str]:
    """Return the files of a pattern; a path that exists is taken as it is.

    Brackets that make no pattern of anything are part of a name.
    """
    if os.path.isfile(pattern):
        return [pattern]
    for text in (pattern, pattern.replace("[", "[[]")):
        paths = [p for p in glob.glob(text, recursive=True) if os.path.isfile(p)]
        if paths:
            return paths
    return []


def split_names(paths: Sequence[str], config: config_lib.DataConfig) -> list[str]:
    """Return the split of each file; `train` where the names tell none apart.

    Raises:
        errors.DataError: where only some files say which split they are.
    """
    names = [posixpath.basename(path) for path in paths]
    split_names = [split_words.within_name(name) for name in names]
    if not any(split_names):
        folders = [posixpath.basename(posixpath.dirname(path)) for path in paths]
        split_names = [split_words.of_name(name) for name in folders]
    if len(set(split_names)) == 1:
        return [TRAIN] * len(paths)
    known = []
    for path, split in zip(paths, split_names, strict=True):
        if split is None:
            raise errors.DataError(
                f"--dataset={config.dataset}: expected train, validation or test in "
                f"the name of every file or of none, received {path!r} without. Rename "
                "it, or choose the files by another pattern."
            )
        known.append(split)
    return known


def check_training(split_names: Sequence[str], config: config_lib.DataConfig) -> None:
    """Check that there is something to train on.

    Raises:
        errors.DataError: where no file is of the training split.
    """
    if TRAIN not in split_names:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected files of the split {TRAIN}, "
            f"received {' and '.join(sorted(set(split_names)))} only."
        )


def names(paths: Sequence[str]) -> list[str]:
    """Return of each path the part that differs, which is the same wherever all lie."""
    common = posixpath.commonprefix([posixpath.dirname(path) + "/" for path in paths])
    common = common[: common.rfind("/") + 1]
    return [path.removeprefix(common).lstrip("/") for path in paths]
