"""The table of networks that recognise speech. No TensorFlow here."""

import dataclasses

from kft import errors
from kft.backbones.package_files import PackageFile
from kft.config.stages import Blocks

HAMA_CONFORMER = "HamaConformer"
# Of all of them: what sounds are resampled to, in hertz, and samples of a row.
SAMPLE_RATE, SAMPLES_PER_ROW = 16_000, 320


@dataclasses.dataclass(frozen=True)
class SpeechBackbone:
    """A recogniser with a name.

    Attributes:
        name: what `--backbone` takes.
        parameters: number of its parameters, without a head.
        blocks: where it can be cut.
        symbols: what its published head writes, by the place in it; `BLANK` among them.
        license: of the weights, as SPDX calls it.
        origin: where the weights come from, for people.
        package: that brings them; None for a family without weights.
    """

    name: str
    parameters: int
    blocks: Blocks
    symbols: tuple[tuple[int, str], ...]
    license: str
    origin: str
    package: PackageFile | None


# Stands among symbols for the step at which nothing is said.
BLANK = "<blank>"
# Letters whose signs phonemes of the International Phonetic Alphabet have, too, by
# their places among those of hama.
_HAMA_LETTERS = "7a 10b 11c 12d 14e 17f 18g 19h 20i 21j 27k 30l 31m 32n 33o 35p 38r 39s"
_HAMA_LETTERS += " 41t 48u 49v 50w 55x 56y 57z"

BACKBONES: dict[str, SpeechBackbone] = {
    backbone.name: backbone
    for backbone in (
        SpeechBackbone(
            name=HAMA_CONFORMER,
            parameters=2_153_280,
            blocks=Blocks(tuple(f"block_{number}" for number in range(1, 5))),
            symbols=(
                *((int(one[:-1]), one[-1]) for one in _HAMA_LETTERS.split()),
                (189, " "),
                (190, BLANK),
            ),
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
