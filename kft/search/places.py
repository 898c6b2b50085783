"""Where the files of a search or a range test may not go."""

import os

from kft import errors


def check(flag: str, path: str | None, dataset: str) -> None:
    """Check that a folder is not among the pictures of `--dataset=folder:`.

    Args:
        flag: that names the folder, without dashes.
        path: its value; None where it is not given.
        dataset: the flag `--dataset`.

    Raises:
        errors.ConfigError: where it is.
    """
    kind, _, pictures = dataset.partition(":")
    if path is None or kind != "folder" or not pictures:
        return
    inner, outer = (
        os.path.realpath(os.path.expanduser(name)) for name in (path, pictures)
    )
    if os.path.commonpath((inner, outer)) == outer:
        raise errors.ConfigError(
            f"--{flag}={path} lies in --dataset={dataset}, where its files would count "
            "as examples: choose a folder beside it."
        )
