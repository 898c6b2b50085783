"""List the pretrained networks: size, input, and where each can be cut.

The names are what --backbone and --stages of the other commands take.

  python -m kft.backbones
  python -m kft.backbones --backbone=ResNet50
  python -m kft.backbones --backbone=my_network.keras
  python -m kft.backbones --backbone=models/vit-base-patch16-224
  python -m kft.backbones --task=text_classification
  python -m kft.backbones --task=audio_classification
  python -m kft.backbones --task=speech_recognition
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import rich.box
import rich.console
import rich.table

from kft import errors
from kft.backbones.audio import audio_backbone, speech_backbone
from kft.backbones.audio.audio_backbone import AudioBackbone
from kft.backbones.audio.speech_backbone import SpeechBackbone
from kft.backbones.image import image_table, vit_config
from kft.backbones.image.image_backbone import Backbone
from kft.backbones.image.own_network import OwnNetwork
from kft.backbones.text import text_backbone, transformer_config
from kft.backbones.text.text_backbone import TextBackbone
from kft.cli import command, rich_console
from kft.config import Config, ImageModelConfig, stages
from kft.config.fields import option

# A narrower terminal has no room for the names of the cuts beside the rest.
_CUTS_WIDTH = 90


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackbonesConfig(Config):
    """What is listed."""

    task: Literal[
        "image_classification",
        "text_classification",
        "token_classification",
        "audio_classification",
        "speech_recognition",
    ] = option("image_classification", "Whose networks are listed.")
    backbone: str | None = option(
        None, "Only this one, with the name of every place where it can be cut."
    )


def main(config: BackbonesConfig) -> None:
    """Write the table, or all about one backbone.

    Raises:
        errors.ConfigError: for a backbone that there is not.
    """
    console = rich_console.console()
    LISTS[config.task](console, config.backbone)


def _print_image(console: rich.console.Console, name: str | None) -> None:
    """Write the networks of images, or all about the one of that name."""
    if name is not None:
        # Which numbers it expects has nothing to do with its blocks.
        config = ImageModelConfig(backbone=name)
        if config.has_own_network or config.has_folder:
            config = dataclasses.replace(config, scaling="own")
        _print_one(console, image_table.of(config))
        return
    with_cuts = console.width >= _CUTS_WIDTH
    console.print(_table(image_table.BACKBONES.values(), with_cuts=with_cuts))
    console.print(
        "--stages takes head, top<k>, all, a block, or a group of blocks such as "
        "conv5, block6 or stage_3; --backbone=NAME lists them."
    )
    console.print(
        "--backbone also takes the path of a .keras file, and that of a folder as "
        "Hugging Face lays it out (config.json, preprocessor_config.json, "
        "model.safetensors) of one of these kinds, compared with transformers on small "
        f"random networks: {', '.join(vit_config.FAMILIES)}."
    )


def _table(shown: Iterable[Backbone], *, with_cuts: bool) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("backbone", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("pixels", justify="right", no_wrap=True)
    table.add_column("blocks", justify="right", no_wrap=True)
    if with_cuts:
        table.add_column("their names, from the input upwards")
    for backbone in shown:
        row = [
            backbone.name,
            f"{backbone.parameters / 1e6:.1f} M",
            str(backbone.image_size),
            str(len(backbone.blocks.names)),
        ]
        names = [", ".join(runs(backbone.blocks.names))] if with_cuts else []
        table.add_row(*row, *names)
    return table


def _print_one(console: rich.console.Console, backbone: Backbone) -> None:
    if backbone.own is not None:
        _print_own(console, backbone.own)
        return
    console.print(f"{backbone.name}, family {backbone.family}")
    console.print(f"parameters: {backbone.parameters:,} without the classifier")
    sizes = f"{backbone.image_size} pixels, at least {backbone.min_image_size}"
    if backbone.size_step > 1:
        sizes += f", a multiple of {backbone.size_step}"
    console.print(f"input: {sizes}")
    groups = ", ".join(group for group, _ in backbone.blocks.groups)
    if groups:
        console.print(f"groups of blocks: {groups}")
    console.print(f"blocks: {', '.join(backbone.blocks.names)}")
    console.print(
        f"also for --stages: {stages.HEAD}, top1 to top{len(backbone.blocks.names)}, "
        f"{stages.ALL}"
    )


def _print_own(console: rich.console.Console, network: OwnNetwork) -> None:
    size = network.image_size
    console.print(f"input: {'any size' if size is None else f'{size} pixels'}")
    console.print(f"features: the output of {network.graph.output.name}")
    for block, layer in network.anchors.items():
        console.print(f"{block}: above {layer}")
    tops = f"top1 to top{len(network.anchors)}, " if network.anchors else ""
    console.print(f"for --stages: {stages.HEAD}, a block, {tops}{stages.ALL}")


def _print_text(console: rich.console.Console, name: str | None) -> None:
    """Write the networks of texts, or the one of that name."""
    if name is not None and name not in text_backbone.BACKBONES:
        raise errors.ConfigError(
            f"--backbone: there is no {name!r}. "
            f"{errors.closest(name, text_backbone.BACKBONES)}"
        )
    names = text_backbone.BACKBONES if name is None else (name,)
    console.print(_text_table(text_backbone.BACKBONES[one] for one in names))
    console.print(
        "--backbone also takes the path of a folder as Hugging Face lays it out "
        "(config.json, model.safetensors, and its vocabulary) of one of "
        f"these kinds: {', '.join(transformer_config.FAMILIES)}. "
        "--stages takes head, top<k>, all, or a block."
    )


def _text_table(shown: Iterable[TextBackbone]) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("backbone", no_wrap=True)
    for title in ("parameters", "width", "layers"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("blocks", "license", "source"):
        table.add_column(title)
    for backbone in shown:
        package = backbone.package
        table.add_row(
            backbone.name,
            f"{backbone.parameters / 1e6:.1f} M",
            str(backbone.width),
            str(backbone.layers),
            ", ".join(runs(backbone.blocks.names)),
            backbone.license,
            f"{backbone.origin}, out of the package {package.name} {package.version} "
            f"({package.megabytes} MB, fetched once)",
        )
    return table


def _print_audio(console: rich.console.Console, name: str | None) -> None:
    """Write the networks of sounds, or the one of that name."""
    names = audio_backbone.BACKBONES if name is None else (name,)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("backbone", no_wrap=True)
    for title in ("parameters", "rate", "seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("blocks", "license", "source"):
        table.add_column(title)
    for backbone in map(audio_backbone.get, names):
        table.add_row(
            backbone.name,
            f"{backbone.parameters / 1e6:.2f} M",
            f"{backbone.sample_rate:,} Hz",
            f"{backbone.seconds:g}",
            ", ".join(runs(backbone.blocks.names)),
            backbone.license,
            _source(backbone),
        )
    console.print(table)
    console.print(
        "--backbone also takes the networks of images, which read a spectrogram: they "
        "know nothing of sounds before they are trained. --stages takes head, top<k>, "
        "all, or a block."
    )


def _print_speech(console: rich.console.Console, name: str | None) -> None:
    """Write the networks that recognise speech, or the one of that name."""
    names = speech_backbone.BACKBONES if name is None else (name,)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("backbone", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    for title in ("blocks", "license", "weights", "source"):
        table.add_column(title)
    for backbone in map(speech_backbone.get, names):
        table.add_row(
            backbone.name,
            f"{backbone.parameters / 1e6:.2f} M",
            ", ".join(runs(backbone.blocks.names)),
            backbone.license,
            backbone.tried,
            _source(backbone),
        )
    console.print(table)
    console.print(
        "All read 16,000 samples per second; every sound is resampled. What was done "
        "with the published weights stands below weights. --weights also takes the "
        "best.weights.h5 of a run. --stages takes head, top<k>, all, or a block."
    )


def _source(backbone: AudioBackbone | SpeechBackbone) -> str:
    package = backbone.package
    if package is None:
        return backbone.origin
    return (
        f"{backbone.origin}, out of the package {package.name} {package.version} "
        f"({package.megabytes} MB, fetched once)"
    )


def runs(names: Sequence[str]) -> list[str]:
    """Return names with those that count up in a row as one: `conv2_block1..3`."""
    found: list[list[str]] = []
    for name in names:
        if found and name == _next(found[-1][-1]):
            found[-1].append(name)
        else:
            found.append([name])
    return [_run(run) for run in found]


def _next(name: str) -> str:
    """Return `block2b` after `block2a`, and `cell_10` after `cell_9`."""
    match = re.fullmatch(r"(.*?)(\d+|[a-z])", name)
    if not match:
        return ""
    last = match[2]
    return match[1] + (str(int(last) + 1) if last.isdigit() else chr(ord(last) + 1))


def _run(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    last = re.search(r"\d+$|[a-z]$", names[-1])
    return f"{names[0]}..{last[0]}" if last else ", ".join(names)


# By the task: writes its networks, or the one of a name.
LISTS: dict[str, Callable[[rich.console.Console, str | None], None]] = {
    "image_classification": _print_image,
    "text_classification": _print_text,
    "token_classification": _print_text,
    "audio_classification": _print_audio,
    "speech_recognition": _print_speech,
}

COMMAND = command.Command(
    name="backbones",
    description=__doc__,
    config=BackbonesConfig,
    main=main,
)

if __name__ == "__main__":
    command.run(COMMAND)
