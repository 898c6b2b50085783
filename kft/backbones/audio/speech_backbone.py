"""The table of networks that recognise speech. No TensorFlow here."""

import dataclasses

from kft import errors
from kft.backbones.audio import deep_speech_2_sizes
from kft.backbones.package_files import PackageFile
from kft.config.stages import Blocks

HAMA_CONFORMER = "HamaConformer"
DEEP_SPEECH = "DeepSpeech-0.9"
# Of all of them: what sounds are resampled to, in hertz, and samples of a row.
SAMPLE_RATE, SAMPLES_PER_ROW = 16_000, 320


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
    """

    name: str
    parameters: int
    blocks: Blocks
    license: str
    origin: str
    package: PackageFile | None
    tried: str


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
            name=DEEP_SPEECH,
            parameters=47_165_440,
            blocks=Blocks(("layer_1", "layer_2", "layer_3", "lstm", "layer_5")),
            license="MPL-2.0",
            origin="Mozilla's checkpoint of DeepSpeech 0.9, from a folder of yours",
            package=None,
            tried="only converted in a test",
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
            )
            for name, sizes in deep_speech_2_sizes.SIZES.items()
        ),
    )
}


def get(name: str) -> SpeechBackbone:
    """Return the backbone of that name.

    Raises:
        errors.ConfigError: where there is none; names the nearest.
    """
    if name not in BACKBONES:
        raise errors.ConfigError(
            f"--backbone: there is no {name!r}. {errors.closest(name, BACKBONES)} "
            "`python -m kft.backbones --task=speech_recognition` lists them all."
        )
    return BACKBONES[name]
