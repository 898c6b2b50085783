"""Options about recognising speech."""

import dataclasses
from typing import ClassVar, Literal

from kft.config import augmentations
from kft.config.audio import AUDIO_AUGMENTATIONS
from kft.config.base import Config
from kft.config.data import DataConfig
from kft.config.fields import option
from kft.config.run import RunConfig
from kft.config.training import ModelConfig

# What there is for --augment, in the order in which it is applied.
SPEECH_AUGMENTATIONS = {
    name: AUDIO_AUGMENTATIONS[name]
    for name in ("speed", "gain", "noise", "specaugment")
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechOptions(DataConfig):
    """Which sounds, and how what is said in them is spelled."""

    bad_example_option: ClassVar[str | None] = "on_bad_audio"
    augment_option: ClassVar[str | None] = "augment"

    dataset: str = option(
        "csv:transcripts.csv",
        "Where the examples are: csv:PATH (a table with commas or tabs: path, text, "
        "and where wanted start and end in seconds, split, and group, such as a "
        "speaker; or as DeepSpeech and Common Voice have them), folder:PATH (files "
        "with a .txt of the same name beside each, or LibriSpeech's or LJSpeech's "
        "layout, or a metadata.csv with file_name and text), tfds:NAME (TensorFlow "
        "Datasets, such as tfds:librispeech), or webdataset:SHARDS (tar archives with "
        "0001.wav and 0001.txt). Files are WAV, FLAC, OGG or MP3.",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than path, text, start, "
        "end, split and group, such as path=file,text=sentence; or of the metadata.csv "
        "of a folder:, where path is called file_name.",
    )
    normalize: Literal["lower", "keep"] = option(
        "lower",
        "What is learned of a text: lower (small letters, digits, and apostrophes "
        "within words, a blank for every other sign) or keep (all as it is written).",
    )
    alphabet: str | None = option(
        None,
        "File with the characters that texts are spelled with, one a line and a line "
        "with a blank for the blank; default: those of the training texts.",
    )
    seconds: float = option(
        16.0,
        "Length of the longest sound. A longer one is an error that names it, for half "
        "a sound does not have the whole text.",
        minimum=0.1,
        maximum=120.0,
    )
    on_bad_audio: Literal["fail", "skip"] = option(
        "fail",
        "What to do about a sound that cannot be read: fail and name it, or read "
        "everything once before training and skip what is bad (bad_images.csv).",
    )
    augment: str = option(
        augmentations.NONE,
        "Augmentation of the training sounds: none, or names with commas between them, "
        "each with a strength after @: speed@0.1 (largest change of the speed, and "
        "with it of the pitch, at most 0.5; Ko et al., 2015, have 0.1; no sound gets "
        "longer than --seconds by it), gain@6 (largest change in decibels), noise@20 "
        "(white noise, least signal-to-noise ratio in decibels), specaugment@0.2 "
        "(largest share of the time, and of the mel scale, that is blanked).",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechModelConfig(ModelConfig):
    """The network that recognises speech."""

    backbone: str = option(
        "HamaConformer",
        "Pretrained network. `python -m kft.backbones --task=speech_recognition` "
        "lists the names. Or the path of a folder with a Whisper as Hugging Face lays "
        "it out.",
    )
    language: str | None = option(
        None,
        "Code of the language that is spoken, such as de, for a Whisper that writes "
        "many.",
    )
    weights: str = option(
        "pretrained",
        "Weights that the network starts from: pretrained (from the package index), "
        "none (random), the folder of a checkpoint of Mozilla's DeepSpeech, or the "
        "path of a best.weights.h5 that a run with the same backbone has left.",
    )
    drop_source_layers: int = option(
        0,
        "Layers of the pretrained network, from the top, that begin with random "
        "weights, as DeepSpeech counts them: 1 is the head, 2 the head and the "
        "uppermost block. With 0 the head keeps its rows of the blank and of symbols "
        "that both alphabets have.",
        minimum=0,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodingConfig(Config):
    """How the outputs of a recogniser become a text."""

    beam_width: int | None = option(
        None,
        "Beginnings of a text that a beam search follows, when a run is evaluated, "
        "reported on or asked; default: the likeliest symbol of each step counts, as "
        "it does while a run trains, and in exports.",
        minimum=1,
    )
    language_model: Literal["none", "characters", "words"] = option(
        "none",
        "What the beam search knows of texts: how often a character, or a word, "
        "follows another in the training texts; or none.",
    )
    lm_weight: float = option(
        0.5, "Weight of the language model beside the network.", minimum=0.0
    )
    length_bonus: float = option(
        0.5,
        "Added for each character, or word, of the language model, in nats: without "
        "it, short texts are the likelier ones.",
    )
    word_list: str | None = option(
        None,
        "Words that the beam search keeps to: training (those of the training texts), "
        "or a file with a word a line.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechRecognitionConfig(
    SpeechOptions, SpeechModelConfig, DecodingConfig, RunConfig
):
    """A run that learns to write down what is said."""

    task: Literal["speech_recognition"] = option(
        "speech_recognition", "What the network learns to do."
    )
