"""The text of --help."""

import dataclasses
from typing import Literal

import pytest

from kft import config
from kft.cli import help
from kft.config import TrainConfig
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowConfig(config.Config):
    """How it is shown."""

    files: tuple[str, ...] = option(dataclasses.MISSING, "Files to show.")
    columns: tuple[str, ...] = option((), "Columns.")
    format: Literal["table", "csv"] = option("table", "How to print.")
    header: bool = option(True, "Names above the columns.")
    limit: int | None = option(None, "Most rows.")


def _usage(
    config_class: type, *, positional: str | None = None, width: int = 80
) -> str:
    return help.usage(
        "python -m kft.show",
        "Show files.\n\nA long sentence that is\nbroken.\n\n  as it  is\n  and was\n",
        config_class,
        positional=positional,
        width=width,
    )


def test_help_says_type_choices_default_and_meaning() -> None:
    text = _usage(ShowConfig, positional="files")
    assert text.startswith(
        "usage: python -m kft.show [--name=value ...] FILES...\n\nShow files.\n\n"
        "A long sentence that is broken.\n\n  as it  is\n  and was\n\n"
        "How it is shown:\n"
    )
    for entry in (
        "  FILES...\n      Files to show. [needed]\n",
        "  --columns=NAME,...\n      Columns. [empty]\n",
        "  --format=table|csv\n      How to print. [table]\n",
        "  --[no]header\n      Names above the columns. [true]\n",
        "  --limit=INT\n      Most rows. [none]\n",
        "  --flagfile=FILE\n",
    ):
        assert entry in text


def test_every_flag_is_there_once_below_the_part_it_belongs_to() -> None:
    text = _usage(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        heads = (f"  --{field.name}=", f"  --[no]{field.name}\n")
        assert sum(text.count(head) for head in heads) == 1
    assert text.index("The network:") < text.index("--backbone=")
    assert text.index("--backbone=") < text.index("What is trained when")


@pytest.mark.parametrize("width", [50, 80, 100])
def test_help_fits_the_terminal(width: int) -> None:
    long = [
        line
        for line in _usage(TrainConfig, width=width).split("\n")
        # Names and choices of a flag stay on one line.
        if len(line) > width and not line.startswith(("  --", "usage:"))
    ]
    assert long == []
