"""The values of `--weights` for networks of sounds. No TensorFlow here."""

import pathlib

from kft import errors
from kft.backbones.audio.audio_backbone import AudioBackbone
from kft.config import user_paths

PRETRAINED, NONE = "pretrained", "none"
# How a file of HDF5 begins, and what else YAMNet is published as.
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
_WHERE = (
    "Its authors link to it in research/audioset/yamnet/README.md of the repository "
    "tensorflow/models: https://storage.googleapis.com/audioset/yamnet.h5"
)


def check(backbone: AudioBackbone, weights: str) -> None:
    """Check that a backbone can begin with these weights.

    Raises:
        errors.ConfigError: saying what it can begin with.
    """
    if weights == NONE:
        return
    if backbone.file is not None:
        _check_file(backbone.name, backbone.file, weights)
    elif weights != PRETRAINED:
        raise errors.ConfigError(
            f"--weights: expected {PRETRAINED} or {NONE} for {backbone.name}, received "
            f"{weights!r}."
        )


def _check_file(name: str, file: str, weights: str) -> None:
    if weights == PRETRAINED:
        raise errors.ConfigError(
            f"--weights={weights}: no package brings the weights of {name}. Download "
            f"{file} and give its path as --weights; --weights={NONE} begins with "
            f"random ones. {_WHERE}"
        )
    problem = _problem(user_paths.expand(weights))
    if problem is not None:
        raise errors.ConfigError(
            f"--weights={weights}: expected the path of {file}, the weights of {name} "
            f"for Keras, {problem}. {_WHERE}"
        )


def _problem(path: pathlib.Path) -> str | None:
    """Return what is wrong with the path of weights, None where nothing is."""
    if path.is_dir():
        is_saved_model = path.joinpath("saved_model.pb").is_file()
        return f"received {'a SavedModel' if is_saved_model else 'a folder'}"
    if not path.is_file():
        return "but there is no such file"
    if path.name.endswith(_ARCHIVES):
        return "received an archive, such as that of its SavedModel"
    if path.suffix == ".tflite":
        return "received a network of LiteRT"
    with path.open("rb") as content:
        begins = content.read(len(_SIGNATURE))
    return None if begins == _SIGNATURE else "received a file that is no HDF5"
