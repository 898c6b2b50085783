"""A flag that there is not gets the advice that helps."""

import pytest

from kft import errors, evaluate, train
from kft.backbones.image import image_table
from kft.cli import command, flag_hints
from kft.config import EvaluateConfig, TrainConfig, fields


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--epochs=5", "--stages=head:8@1e-2 trains the head for 8 epochs"),
        ("--lr=1e-3", "--stages=head:8@1e-2"),
        ("--batch=8", "It is --batch_size here"),
        ("--batch-size=8", "Did you mean --batch_size?"),
        ("--imgsz=64", "It is --image_size here"),
        ("--data=photos", "--dataset=KIND:PLACE"),
        ("--resume", "the same command goes on"),
        ("--calibrate", "It belongs to `python -m kft.export`"),
        ("--near_bits=3", "It belongs to `python -m kft.audit`"),
        ("--optimiser=adam", "Did you mean optimizer?"),
        ("--zzz=1", "--help lists the flags"),
    ],
)
def test_training_names_what_is_meant(
    given: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.execute(train.COMMAND, [given]) == command.EXIT_USAGE
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--calibrate", "It belongs to `python -m kft.export`"),
        ("--batch_size=3", "It belongs to `python -m kft.train`"),
        ("--epochs=3", "--help lists the flags"),
        ("--run=r", "It is --run_dir here"),
    ],
)
def test_another_command_names_whose_flag_it_is(
    given: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.execute(evaluate.COMMAND, ["r", given]) == command.EXIT_USAGE
    assert expected in capsys.readouterr().err


def test_what_is_meant_is_a_flag_of_some_command() -> None:
    legal = set[str]().union(*map(fields.names, flag_hints._COMMANDS.values()))
    assert {meant.flag for meant in flag_hints._MEANT.values()} <= legal


@pytest.mark.parametrize("config", [TrainConfig, EvaluateConfig])
def test_a_legal_flag_is_never_explained_away(config: type) -> None:
    names = fields.names(config)
    assert all(flag_hints.advice(n, names).startswith("Did you") for n in names)


def test_no_network_is_taken_for_a_transformer() -> None:
    with pytest.raises(errors.ConfigError, match="vit_base'. Transformers of"):
        image_table.get("vit_base")
    with pytest.raises(errors.ConfigError, match="mean ConvNeXtTiny"):
        image_table.get("convnext_tiny")
