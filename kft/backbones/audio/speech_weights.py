"""The values of `--weights` for recognisers of speech. No TensorFlow here."""

from pathlib import Path

from kft import errors
from kft.backbones.audio import deep_speech_folder, speech_backbone
from kft.backbones.audio.speech_backbone import SpeechBackbone
from kft.config import user_paths

PRETRAINED, NONE = "pretrained", "none"
_OF_RUN = ".weights.h5"


def check(backbone: SpeechBackbone, weights: str) -> None:
    """Check that a backbone can begin with these weights.

    Raises:
        errors.ConfigError: saying what it can begin with.
    """
    if weights == NONE or (weights == PRETRAINED and backbone.has_weights):
        return
    if is_of_run(weights):
        _check_run(weights)
    elif backbone.name == speech_backbone.DEEP_SPEECH and weights != PRETRAINED:
        deep_speech_folder.find(weights)
    else:
        raise errors.ConfigError(
            f"--weights: expected {_legal(backbone)} for {backbone.name}, received "
            f"{weights!r}."
        )


def is_of_run(weights: str) -> bool:
    """Return whether they are the path of what a run of kft has kept."""
    return weights.endswith(_OF_RUN)


def is_path(weights: str) -> bool:
    """Return whether they are the path of anything."""
    return weights not in (PRETRAINED, NONE)


def run_path(weights: str) -> Path:
    """Return the file of `--weights` that a run has kept."""
    return user_paths.expand(weights)


def run_labels(weights: str) -> Path:
    """Return the file with the symbols of that run, beside its weights."""
    return run_path(weights).with_name("labels.txt")


def _check_run(weights: str) -> None:
    path = run_path(weights)
    if not path.is_file():
        raise errors.ConfigError(f"--weights: there is no file {weights!r}.")
    labels = run_labels(weights)
    if not labels.is_file():
        raise errors.ConfigError(
            f"--weights={weights}: expected {labels.name} beside it, with the symbols "
            "that it writes, as kft.train leaves both in a run folder."
        )


def _legal(backbone: SpeechBackbone) -> str:
    words = [PRETRAINED] if backbone.has_weights else []
    if backbone.name == speech_backbone.DEEP_SPEECH:
        words.append("the folder of a checkpoint that DeepSpeech has released or made")
    words.append(f"the path of a best{_OF_RUN} that a run with it has left")
    return f"{', '.join(words)}, or {NONE}"
