"""The table of networks that recognise speech. No TensorFlow here."""

import dataclasses
from pathlib import Path
from typing import Literal

from kft import errors
from kft.backbones.audio import audio_backbone, deep_speech_2_sizes, whisper_config
from kft.backbones.audio.whisper_config import WhisperConfig
from kft.backbones.package_files import PackageFile
from kft.config import user_paths
from kft.config.stages import Blocks

HAMA_CONFORMER = "HamaConformer"
DEEP_SPEECH = "DeepSpeech-0.9"
WHISPER = "Whisper-tiny.en"
# Of all of them: what sounds are resampled to, in hertz, and samples of a row.
SAMPLE_RATE, SAMPLES_PER_ROW = 16_000, 320
_WINDOW_SECONDS = 30.0
# How a network says a text; see `SpeechBackbone`.
Kind = Literal["ctc", "attention"]


@dataclasses.dataclass(frozen=True)
class SpeechBackbone:
    """A recogniser with a name.

    Attributes:
        name: what `--backbone` takes.
        parameters: number of its parameters, without a head.
        blocks: where it can be cut.
        license: of the weights, as SPDX calls it.
        origin: where the weights come from, for people.
        package: that brings them; None where nothing does.
        tried: what of these weights has been run, for people.
        kind: how it says a text: a symbol at each step of the sound, aligned by CTC,
            or tokens, one after the other, by a decoder that attends to the sound.
        is_recurrent: whether it reads a sound step after step, in a loop.
        max_seconds: of the longest sound that it can read; None for any.
        whisper: its sizes, where it is one; None for others.
        folder: of yours, that has its weights; None where a name says where they are.
    """

    name: str
    parameters: int
    blocks: Blocks
    license: str
    origin: str
    package: PackageFile | None
    tried: str
    kind: Kind = "ctc"
    is_recurrent: bool = False
    max_seconds: float | None = None
    whisper: WhisperConfig | None = None
    folder: Path | None = None

    @property
    def has_weights(self) -> bool:
        """Return whether it comes with pretrained weights."""
        return self.package is not None or self.folder is not None


BACKBONES: dict[str, SpeechBackbone] = {
    backbone.name: backbone
    for backbone in (
        SpeechBackbone(
            name=HAMA_CONFORMER,
            parameters=2_153_280,
            blocks=Blocks(tuple(f"block_{number}" for number in range(1, 5))),
            license="Apache-2.0",
            origin="hama's recogniser of phonemes",
            package=PackageFile(
                name="hama",
                version="1.7.0",
                file="hama-1.7.0-py3-none-any.whl",
                sha256="be48d6379d288fc588ff9a5f609462b2"
                "fb81287dd84afaa2dfb1d283cb280c4d",
                folder="hama/assets/",
                megabytes=23,
            ),
            tried="run",
        ),
        SpeechBackbone(
            name=WHISPER,
            parameters=WhisperConfig().parameters,
            blocks=WhisperConfig().blocks,
            license="MIT",
            origin="OpenAI's Whisper tiny.en, converted by CTranslate2",
            package=audio_backbone.BACKBONES[audio_backbone.WHISPER_ENCODER].package,
            tried="run",
            kind="attention",
            max_seconds=_WINDOW_SECONDS,
            whisper=WhisperConfig(),
        ),
        SpeechBackbone(
            name=DEEP_SPEECH,
            parameters=47_165_440,
            blocks=Blocks(("layer_1", "layer_2", "layer_3", "lstm", "layer_5")),
            license="MPL-2.0",
            origin="Mozilla's checkpoint of DeepSpeech 0.9, from a folder of yours",
            package=None,
            tried="only converted in a test",
            is_recurrent=True,
        ),
        *(
            SpeechBackbone(
                name=name,
                parameters=sizes.parameters,
                blocks=sizes.blocks,
                license="none",
                origin="yours: a run with it, from --weights=none on",
                package=None,
                tried="there are none",
                is_recurrent=True,
            )
            for name, sizes in deep_speech_2_sizes.SIZES.items()
        ),
    )
}


def get(name: str) -> SpeechBackbone:
    """Return the backbone of that name, or of a folder with a Whisper.

    Raises:
        errors.ConfigError: where there is none; names the nearest.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    folder = user_paths.expand(name)
    if folder.is_dir():
        return _of_folder(name, folder)
    raise errors.ConfigError(
        f"--backbone: expected a name or the path of a folder with a Whisper, received "
        f"{name!r}. {errors.closest(name, BACKBONES)} "
        "`python -m kft.backbones --task=speech_recognition` lists the names."
    )


def _of_folder(name: str, folder: Path) -> SpeechBackbone:
    """Return a Whisper that lies in a folder as Hugging Face lays it out."""
    return _of_whisper(name, whisper_config.read(folder, f"--backbone={name}"), folder)


def of_run(name: str, kept: Path | None) -> SpeechBackbone:
    """Return the backbone of a run, whose folder may be gone since.

    Args:
        name: of the backbone.
        kept: folder with what the run keeps of it; None where there is none yet.

    Raises:
        errors.ConfigError: see `get`.
        errors.RunDirError: where what is kept is damaged.
    """
    if kept is None or name in BACKBONES:
        return get(name)
    sizes = whisper_config.read_kept(kept)
    return get(name) if sizes is None else _of_whisper(name, sizes, None)


def _of_whisper(name: str, sizes: WhisperConfig, folder: Path | None) -> SpeechBackbone:
    return SpeechBackbone(
        name=name,
        parameters=sizes.parameters,
        blocks=sizes.blocks,
        license="yours to know",
        origin=f"the folder {name}",
        package=None,
        tried="whatever the folder has",
        kind="attention",
        max_seconds=_WINDOW_SECONDS,
        whisper=sizes,
        folder=folder,
    )
