"""Options about sounds."""

import dataclasses
from typing import ClassVar, Literal

from kft.config import augmentations
from kft.config.augmentations import Kind
from kft.config.class_options import ClassOptions
from kft.config.fields import option
from kft.config.run import RunConfig
from kft.config.training import ModelConfig

# What there is for --augment, in the order in which it is applied.
AUDIO_AUGMENTATIONS = {
    "shift": Kind("largest shift in seconds", 0.1, 10.0),
    "speed": Kind("largest change of the speed, a share of it", 0.1, 0.5),
    "gain": Kind("largest change in decibels", 6.0, 40.0),
    "noise": Kind("least signal-to-noise ratio in decibels", 20.0, 80.0),
    "specaugment": Kind("largest share that is blanked", 0.2, 0.9),
    "mixup": Kind("alpha of the Beta distribution", 0.2, 100.0),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AudioOptions(ClassOptions):
    """Which sounds, and what of one the network reads."""

    bad_example_option: ClassVar[str | None] = "on_bad_audio"
    augment_option: ClassVar[str | None] = "augment"

    dataset: str = option(
        "folder:sounds",
        "Where the examples are: folder:PATH (one sub-folder per class, or train/ and "
        "val/ with one each; or a metadata.csv that lists the files), csv:PATH (a "
        "table with commas or tabs: path, label, and where wanted start and end in "
        "seconds, split, and group: the sounds of a group, such as a speaker, stay in "
        "one split), tfds:NAME (TensorFlow Datasets, such as tfds:speech_commands), or "
        "webdataset:SHARDS (tar archives with 0001.wav and 0001.cls). "
        "Files are WAV, FLAC, OGG or MP3.",
    )
    csv_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table that are called otherwise than path, label, start, "
        "end, split and group, such as path=file,group=speaker; or of the metadata.csv "
        "of a folder:, where path is called file_name.",
    )
    sample_rate: int | None = option(
        None,
        "Samples per second that the network reads, to which every sound is resampled; "
        "default: what the backbone was trained on.",
        minimum=1000,
        maximum=192_000,
    )
    seconds: float | None = option(
        None,
        "Length of what the network reads. The middle of a sound comes into the middle "
        "of it: a shorter sound has silence on both sides, a longer one is cut on both "
        "(see --windows). Default: that of the backbone.",
        minimum=0.01,
        maximum=600.0,
    )
    windows: int = option(
        1,
        "Windows of --seconds, spread evenly over a sound that is longer, of which the "
        "network's answers are averaged.",
        minimum=1,
        maximum=256,
    )
    on_bad_audio: Literal["fail", "skip"] = option(
        "fail",
        "What to do about a sound that cannot be read: fail and name it, or read "
        "everything once before training and skip what is bad (bad_images.csv).",
    )
    augment: str = option(
        augmentations.NONE,
        "Augmentation of the training sounds: none, or names with commas between them, "
        "each with a strength after @: shift@0.1 (largest shift in seconds), speed@0.1 "
        "(largest change of the speed, and with it of the pitch), gain@6 (largest "
        "change in decibels), noise@20 (white noise, least signal-to-noise ratio in "
        "decibels), specaugment@0.2 (largest share of the time, and of the mel scale, "
        "that is blanked), mixup@0.2 (alpha).",
    )

    @property
    def mixes_pairs(self) -> bool:
        """Return whether `--augment` mixes pairs, also where it is wrong otherwise."""
        return any(name in self.augment for name in augmentations.MIXES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AudioModelConfig(ModelConfig):
    """The network of sounds."""

    backbone: str = option(
        "SpeechEmbedding",
        "Pretrained network. `python -m kft.backbones --task=audio_classification` "
        "lists the names.",
    )
    weights: str = option(
        "pretrained",
        "Weights that the backbone starts from: pretrained, none (random), or for "
        "YAMNet the path of yamnet.h5, in which its authors published them.",
    )
    pooling: Literal["mean_max", "mean", "max"] = option(
        "mean_max",
        "How the outputs of the backbone over time become one vector: their mean and "
        "the largest of each feature side by side, or one of the two.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AudioClassificationConfig(AudioOptions, AudioModelConfig, RunConfig):
    """A run that learns classes of sounds."""

    task: Literal["audio_classification"] = option(
        "audio_classification", "What the network learns to do."
    )
