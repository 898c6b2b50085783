"""Recognition of speech: the text that is said in a sound.

This half of the task needs no TensorFlow; the other is in `speech_recognition.py`.
"""

from collections.abc import Mapping

from kft import errors
from kft.backbones.audio import speech_backbone, speech_weights
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
    backbone = speech_backbone.get(config.backbone)
    speech_weights.check(backbone, config.weights)
    most = len(backbone.blocks.names)
    if config.drop_source_layers > most:
        raise errors.ConfigError(
            f"--drop_source_layers={config.drop_source_layers}: {config.backbone} has "
            f"a head and {most} blocks; expected at most {most}, which leaves the "
            "lowest block. --weights=none begins with none of its weights."
        )


def _kept_files(config: SpeechRecognitionConfig) -> Mapping[str, bytes]:
    # It starts TensorFlow, as every run has done by then.
    from kft.backbones.audio import speech_networks

    return speech_networks.get(config.backbone, weights=config.weights).kept_files


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
    kept_files=_kept_files,
)
