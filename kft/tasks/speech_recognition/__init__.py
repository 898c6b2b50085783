"""Recognition of speech: the text that is said in a sound.

This half of the task needs no TensorFlow; the other is in `speech_recognition.py`.
"""

from kft import errors
from kft.backbones.audio import speech_backbone
from kft.config import SpeechRecognitionConfig, augmentations
from kft.config.speech import SPEECH_AUGMENTATIONS
from kft.config.stages import Blocks
from kft.data.audio import transcripts
from kft.data.audio.audio_extra import SPEECH
from kft.tasks.task_kind import MemoryAdvice, TaskKind


def _blocks(config: SpeechRecognitionConfig) -> Blocks | None:
    try:
        return speech_backbone.get(config.backbone).blocks
    except errors.ConfigError:
        return None


def _check(config: SpeechRecognitionConfig) -> None:
    """Check the packages that transcripts need, and the network.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    missing = SPEECH.problem(config.task)
    errors.check_all(config, (_check_network, _check_augment), also=missing)


def _check_network(config: SpeechRecognitionConfig) -> None:
    speech_backbone.get(config.backbone)
    if config.weights not in ("pretrained", "none"):
        raise errors.ConfigError(
            f"--weights: expected pretrained or none, received {config.weights!r}."
        )


def _check_augment(config: SpeechRecognitionConfig) -> None:
    augmentations.parse(config.augment, SPEECH_AUGMENTATIONS)


def _memory_advice(config: SpeechRecognitionConfig) -> MemoryAdvice:
    return MemoryAdvice(
        f"--seconds={config.seconds:g}",
        ("a smaller --seconds: batches of the longest sounds are the largest",),
    )


KIND = TaskKind(
    name="speech_recognition",
    summary="write down what is said in a sound",
    config_class=SpeechRecognitionConfig,
    sources=transcripts.sources(speech_backbone.SAMPLE_RATE),
    blocks=_blocks,
    check=_check,
    module="kft.tasks.speech_recognition.speech_recognition",
    recipe_fields=("clip_norm",),
    memory_advice=_memory_advice,
)
