"""The ImageNet weights of keras.applications: their files, found or downloaded."""

import hashlib
import http.client
import os
import pathlib
import socket
import tempfile

import keras
from absl import logging

from kft import errors
from kft.backbones.image.image_backbone import Backbone, ImagenetFile

_STALL_SECONDS = 30.0


def home() -> pathlib.Path:
    """Return the folder `models` of the Keras home, where Keras keeps weights.

    Raises:
        errors.ConfigError: where KERAS_HOME begins with the name of an unknown user.
    """
    folder = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    try:
        return pathlib.Path(folder).expanduser() / "models"
    except RuntimeError as error:
        raise errors.ConfigError(
            f"KERAS_HOME: expected the path of a folder, received {folder!r}: "
            "its user has no home folder here."
        ) from error


def fetch(backbone: Backbone) -> pathlib.Path:
    """Return the path of the weights file; download it where it is missing.

    A file that is there is taken from where it is, a read-only folder included.

    Raises:
        errors.ConfigError: where it cannot be had; says how to get it otherwise.
    """
    file = backbone.imagenet
    if file is None:
        raise ValueError(f"the weights of {backbone.name} come with a package")
    path = home() / file.name
    if path.is_file():
        if _matches(path, file.digest):
            return path
        logging.warning("%s is damaged or outdated; downloading it again", path)
    try:
        _download(file, path)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise errors.ConfigError(_advice(backbone.name, file, error)) from error
    except Exception as error:
        # Keras 3.15.1 raises a bare Exception where a download fails.
        if type(error) is not Exception or "URL fetch failure" not in str(error):
            raise
        raise errors.ConfigError(_advice(backbone.name, file, error)) from error
    return path


def _matches(path: pathlib.Path, digest: str | None) -> bool:
    if digest is None:
        return True
    algorithm = "sha256" if len(digest) == 64 else "md5"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest() == digest


def _download(file: ImagenetFile, path: pathlib.Path) -> None:
    """Download to `path`, which never holds a part of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALL_SECONDS)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            loaded = keras.utils.get_file(
                file.name,
                origin=file.address,
                cache_dir=scratch,
                cache_subdir="",
                file_hash=file.digest,
            )
            os.replace(loaded, path)
    finally:
        socket.setdefaulttimeout(patience)


def _advice(name: str, file: ImagenetFile, error: Exception) -> str:
    folder = home()
    return (
        f"--weights=imagenet: the weights of {name} are not in {folder} and could not "
        f"be downloaded ({error}).\n"
        f"On a machine with a network, download {file.address}\n"
        f"Then put it as {file.name} into {folder}, or into the folder models of "
        f"another place and set KERAS_HOME to that place, or give its path: "
        f"--weights=/path/to/{file.name}. With --weights=none the network starts from "
        "random weights."
    )
