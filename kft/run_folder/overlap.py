"""Folders of our own that lie among the examples, where they may not."""

import os

from kft.config import user_paths


def problem(flag: str, path: str | None, dataset: str) -> str | None:
    """Return what is wrong with a folder among the examples of `--dataset=folder:`.

    Args:
        flag: that names the folder, without dashes.
        path: its value; None where it is not given.
        dataset: the flag `--dataset`.

    Returns:
        A sentence for the user, or None where the folder lies elsewhere.
    """
    kind, _, data_folder = dataset.partition(":")
    if path is None or kind != "folder" or not data_folder:
        return None
    inner, outer = (
        os.path.realpath(user_paths.expand(name)) for name in (path, data_folder)
    )
    if os.path.commonpath((inner, outer)) != outer:
        return None
    return (
        f"--{flag}={path} lies in --dataset={dataset}, where its files would count as "
        "examples: choose a folder beside it."
    )
