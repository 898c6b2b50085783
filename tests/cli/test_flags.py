"""Config dataclasses <-> flags."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any, Literal

import hypothesis
import pytest
from absl import flags as absl_flags
from hypothesis import strategies as st

from kft import config, errors
from kft.cli import flags
from kft.config import TrainConfig, flagfile
from kft.config.fields import option
from tests import configs


@dataclasses.dataclass(frozen=True, kw_only=True)
class FilesConfig(config.Config):
    """Files and a choice."""

    files: tuple[str, ...] = option(dataclasses.MISSING, "Files to read.")
    run_dir: str = option(dataclasses.MISSING, "Run folder.")
    format: Literal["table", "csv"] = option("table", "How to print.")


def _problem(*arguments: str, config_class: type = TrainConfig, **options: Any) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        flags.parse(config_class, arguments, **options)
    return str(caught.value)


def test_no_flags_give_the_defaults() -> None:
    assert flags.parse(TrainConfig, []) == flags.Parsed(TrainConfig(), frozenset())


@hypothesis.given(configs.configs())
def test_a_config_comes_back_from_its_flagfile(made: TrainConfig) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flags.cfg")
        path.write_text(flagfile.format_flagfile(made), encoding="utf-8")
        parsed = flags.parse(TrainConfig, [f"--flagfile={path}"])
    assert parsed.config == made
    assert parsed.given == {field.name for field in dataclasses.fields(made)}


@hypothesis.given(configs.configs())
def test_a_config_comes_back_from_the_command_line(made: TrainConfig) -> None:
    arguments = [
        f"--{field.name}={flagfile.format_value(getattr(made, field.name))}"
        for field in dataclasses.fields(made)
    ]
    assert flags.parse(TrainConfig, arguments).config == made


_ARGUMENTS = st.lists(
    st.text(max_size=12)
    | st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["-", "--", "--no", ""]),
        st.sampled_from([*configs.HINTS, "flagfile", "undefok", "x", ""]),
        st.sampled_from(["=", "", " ", "=="]),
        st.text(max_size=8)
        | st.sampled_from(["none", "-1", "1e400", "9" * 5000, "nan", "true", "a #b"]),
    ),
    max_size=6,
)


@hypothesis.given(_ARGUMENTS)
def test_any_command_line_is_a_config_or_a_config_error(arguments: list[str]) -> None:
    try:
        parsed = flags.parse(TrainConfig, arguments)
    except errors.ConfigError as error:
        assert str(error)
        return
    assert parsed.given <= set(configs.HINTS)


@hypothesis.given(st.binary(max_size=200) | _ARGUMENTS.map("\n".join))
def test_any_flagfile_is_a_config_or_a_config_error(content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flags.cfg")
        as_bytes = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(as_bytes)
        try:
            flags.parse(TrainConfig, [f"--flagfile={path}"])
        except errors.ConfigError as error:
            assert str(error)


@pytest.mark.parametrize("flag", ["--batch_size=8", "-batch_size=8"])
def test_value_after_an_equals_sign(flag: str) -> None:
    assert flags.parse(TrainConfig, [flag]).config.batch_size == 8


def test_value_as_an_argument_of_its_own() -> None:
    assert flags.parse(TrainConfig, ["--batch_size", "8"]).config.batch_size == 8


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--nesterov"], True),
        (["--nesterov=true"], True),
        (["--nesterov=false"], False),
        (["--nonesterov"], False),
        (["--nesterov", "--nonesterov"], False),
    ],
)
def test_switches(arguments: list[str], value: bool) -> None:
    assert flags.parse(TrainConfig, arguments).config.nesterov is value


def test_the_last_one_wins_and_a_flagfile_counts_where_it_stands(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("--batch_size=8\n--stages=head:1\n")
    file = f"--flagfile={path}"
    before = flags.parse(TrainConfig, ["--batch_size=4", "--stages=all:2", file])
    after = flags.parse(TrainConfig, [file, "--batch_size=4", "--stages=all:2"])
    assert (before.config.batch_size, before.config.stages) == (8, "head:1")
    assert (after.config.batch_size, after.config.stages) == (4, "all:2")


def test_none_takes_a_value_back(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("--data_dir=there\n--clip_norm=1\n--image_size=64\n")
    again = ["--data_dir=none", "--clip_norm=none", "--image_size=none"]
    parsed = flags.parse(TrainConfig, [f"--flagfile={path}", *again])
    assert parsed.config == TrainConfig()


def test_given_are_the_flags_that_were_written_even_with_their_default(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("--seed=0\n")
    arguments = [f"--flagfile={path}", "--batch_size=32", "--nonesterov"]
    parsed = flags.parse(TrainConfig, arguments)
    assert parsed.config == TrainConfig()
    assert parsed.given == {"seed", "batch_size", "nesterov"}


def test_every_flag_that_is_wrong_is_named() -> None:
    message = _problem("--batch_size=x", "--resize=cop", "--seed=-1", "--dropout=2")
    assert set(message.split("\n")) == {
        "--batch_size: expected a whole number or auto, received 'x'.",
        "--resize: expected one of crop, square, pad, squash, received 'cop'. "
        "Did you mean crop?",
        "--seed: expected at least 0, received -1.",
        "--dropout: expected at most 0.95, received 2.0.",
    }


def test_every_unknown_flag_is_named_with_the_near_one() -> None:
    assert _problem("--batchsize=3", "--qqq", "x").split("\n") == [
        "There is no flag --batchsize. Did you mean batch_size?",
        "There is no flag --qqq. --help lists the flags.",
    ]


def test_a_problem_out_of_a_flagfile_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("# mine\n--batch_size=x\n--seed=-1\n")
    assert _problem(f"--flagfile={path}").split("\n") == [
        "--batch_size: expected a whole number or auto, received 'x'. "
        f"({path}, line 2)",
        f"--seed: expected at least 0, received -1. ({path}, line 3)",
    ]
    path.write_text("--batchsize=3\n")
    assert f"--batchsize ({path}, line 1)." in _problem(f"--flagfile={path}")
    path.write_text("--nonsense=3\n")
    assert f"--nonsense ({path}, line 1)." in _problem(f"--flagfile={path}")


@pytest.mark.parametrize("flag", ["--batch_size=32 # few", "--dataset=digits # all"])
def test_a_comment_behind_a_value_is_refused(flag: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text(flag)
    problem = _problem(f"--flagfile={path}")
    assert "a comment in a flagfile needs a line of its own" in problem
    name, _, value = flag.partition("=")
    assert f'{name}="{value}"' in problem


def test_a_flag_without_its_value_is_refused() -> None:
    assert _problem("--batch_size") == "Missing value for flag --batch_size."


def test_a_switched_off_switch_takes_no_value() -> None:
    assert "--nonesterov=1 does not take an argument" in _problem("--nonesterov=1")


def test_arguments_without_a_name_are_refused() -> None:
    message = _problem("--batch_size=3", "x", "y")
    assert message.startswith("Expected flags only, received 'x', 'y'.")


def test_arguments_without_a_name_go_to_the_positional_field() -> None:
    arguments = ["a, b.jpg", "--run_dir=r", "c #1.jpg", "--format=csv", "--", "--d"]
    parsed = flags.parse(FilesConfig, arguments, positional="files")
    assert parsed.config == FilesConfig(
        files=("a, b.jpg", "c #1.jpg", "--d"), run_dir="r", format="csv"
    )
    assert parsed.given == {"files", "run_dir", "format"}


def test_the_positional_field_has_no_flag() -> None:
    message = _problem("--files=a", config_class=FilesConfig, positional="files")
    assert message.startswith("There is no flag --files.")


def test_a_value_that_is_needed_is_asked_for_with_its_help() -> None:
    message = _problem(config_class=FilesConfig, positional="files")
    assert message.split("\n") == [
        "FILES...: a value is needed. Files to read.",
        "--run_dir: a value is needed. Run folder.",
    ]


def test_flags_are_defined_again_and_again_apart_from_the_global_ones() -> None:
    before = set(absl_flags.FLAGS)
    first, second = flags.define(TrainConfig), flags.define(TrainConfig)
    assert set(first) == set(second) == set(configs.HINTS)
    assert set(absl_flags.FLAGS) == before
