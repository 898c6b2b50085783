"""Recognition of speech: the text that is said in a sound.

This half of the task needs no TensorFlow; the other is in `speech_recognition.py`.
"""

from collections.abc import Iterator, Mapping

from kft import errors
from kft.backbones.audio import speech_backbone, speech_weights
from kft.backbones.audio.speech_backbone import SpeechBackbone
from kft.config import SpeechRecognitionConfig, augmentations
from kft.config.speech import SPEECH_AUGMENTATIONS
from kft.config.stages import Blocks
from kft.data.audio import silence, transcripts
from kft.data.audio.audio_extra import SPEECH
from kft.data.examples import Splits
from kft.data.text.text_extra import TEXT
from kft.tasks.speech_recognition import word_list
from kft.tasks.task_kind import OWN_LAYERS, MemoryAdvice, TaskKind


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
    errors.check_all(
        config,
        (_check_network, _check_kind, _check_augment, _check_decoding),
        also=missing,
    )


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


def _check_kind(config: SpeechRecognitionConfig) -> None:
    """Check what only some kinds of networks can do, or need."""
    backbone = speech_backbone.get(config.backbone)
    most = backbone.max_seconds
    if most is not None and config.seconds > most:
        raise errors.ConfigError(
            f"--seconds={config.seconds:g}: {backbone.name} reads at most {most:g} "
            "seconds. Cut the sounds into sentences."
        )
    if backbone.kind == "attention":
        _check_attention(config, backbone)
    elif config.language is not None:
        raise errors.ConfigError(
            f"--language={config.language}: expected a Whisper that writes many "
            f"languages as --backbone; {config.backbone} has none."
        )


def _check_attention(config: SpeechRecognitionConfig, backbone: SpeechBackbone) -> None:
    missing = TEXT.problem(f"{config.task} --backbone={config.backbone}")
    if missing is not None:
        raise errors.ConfigError(missing)
    given = {
        "beam_width": config.beam_width,
        "language_model": config.language_model if _has_model(config) else None,
        "word_list": config.word_list,
        "drop_source_layers": config.drop_source_layers or None,
    }
    _check_language(config, backbone)
    flags = [f"--{name}={value}" for name, value in given.items() if value is not None]
    if flags:
        raise errors.ConfigError(
            f"{' and '.join(flags)}: {config.backbone} writes words, the likeliest "
            "token after the other; this is for networks that spell by CTC, such as "
            f"{speech_backbone.HAMA_CONFORMER}. Leave it out."
        )


def _check_language(config: SpeechRecognitionConfig, backbone: SpeechBackbone) -> None:
    is_multilingual = backbone.whisper is not None and backbone.whisper.is_multilingual
    if is_multilingual and config.language is None:
        raise errors.ConfigError(
            f"--backbone={config.backbone} writes many languages: expected --language "
            "with the code of what is spoken, such as --language=de."
        )
    if config.language is not None and not is_multilingual:
        raise errors.ConfigError(
            f"--language={config.language}: {config.backbone} writes one language "
            "alone. Leave it out."
        )


def _check_decoding(config: SpeechRecognitionConfig) -> None:
    without = [
        flag
        for flag, is_given in (
            (f"--language_model={config.language_model}", _has_model(config)),
            (f"--word_list={config.word_list}", config.word_list is not None),
        )
        if is_given
    ]
    if without and config.beam_width is None:
        raise errors.ConfigError(
            f"{' and '.join(without)}: expected --beam_width too, such as "
            "--beam_width=16; without it the likeliest symbol of each step counts."
        )
    if config.word_list is not None and not _has_kept_words(config):
        word_list.check(config)


def _has_kept_words(config: SpeechRecognitionConfig) -> bool:
    """Return whether the run goes on and has its words, wherever the list is now."""
    # Which reads a run's config, and so asks which tasks there are.
    from kft.run_folder import run_dir

    return (run_dir.of(config).backbone / word_list.KEPT).is_file()


def _has_model(config: SpeechRecognitionConfig) -> bool:
    return config.language_model != "none"


def _kept_files(config: SpeechRecognitionConfig, splits: Splits) -> Mapping[str, bytes]:
    # It starts TensorFlow, as every run has done by then.
    from kft.tasks.speech_recognition import speech_recognition

    return speech_recognition.kept_files(config, splits)


def _check_augment(config: SpeechRecognitionConfig) -> None:
    augmentations.parse(config.augment, SPEECH_AUGMENTATIONS)


def _memory_advice(config: SpeechRecognitionConfig) -> MemoryAdvice:
    return MemoryAdvice(
        f"--seconds={config.seconds:g}",
        ("a smaller --seconds: batches of the longest sounds are the largest",),
    )


def _cautions(config: SpeechRecognitionConfig, splits: Splits) -> Iterator[str]:
    del config
    return silence.cautions(splits, silence.whole)


def _without_formats(config: SpeechRecognitionConfig) -> Mapping[str, str]:
    refused = dict(OWN_LAYERS)
    try:
        backbone = speech_backbone.get(config.backbone)
    except errors.ConfigError:
        return {}  # Told by the check of the task.
    if backbone.kind == "attention":
        reason = f"{config.backbone} writes in a loop"
        refused |= {"litert": reason, "onnx": reason}
    if backbone.is_recurrent:
        refused["litert"] = f"{config.backbone} has recurrent layers"
    return refused


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
    cautions=_cautions,
    kept_files=_kept_files,
    without_formats=_without_formats,
)
