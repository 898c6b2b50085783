"""The command `kft`."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import kft
from kft import __main__ as main
from kft.cli import command
from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "kft"


def _run(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kft", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_command_is_listed_with_what_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.dispatch(["--help"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert max(map(len, lines)) <= 80
    for name in main.COMMANDS:
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert len(line.split()) >= 3


def test_every_module_that_is_a_command_is_in_the_table() -> None:
    files = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__main__.py")]
    modules = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in files
        if "\nCOMMAND = " in path.read_text()
    }
    assert modules == {entry.module for entry in main.COMMANDS.values()}


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_table_says_of_a_command_what_the_command_does(name: str) -> None:
    entry = main.COMMANDS[name]
    command = importlib.import_module(entry.module).COMMAND
    assert command.name == name
    first = " ".join(command.description.split("\n\n")[0].split())
    assert first == f"{entry.summary}."


def test_without_a_command_the_list_is_shown_as_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.dispatch([]) == 2
    assert "usage: kft COMMAND" in capsys.readouterr().out


def test_an_unknown_command_gets_the_near_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.dispatch(["trian"]) == 2
    assert capsys.readouterr().err == (
        "error: kft has no command 'trian'. Did you mean train?\n"
    )


def test_an_unknown_command_that_is_near_none_gets_the_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.dispatch(["xyzzy"]) == 2
    assert f"Possible values: {', '.join(main.COMMANDS)}." in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.dispatch(["--version"]) == 0
    assert capsys.readouterr().out == f"kft {kft.__version__}\n"


@pytest.mark.parametrize("name", ["train", "tune", "find_lr", "audit"])
def test_no_command_guesses_whose_data_are_meant(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.import_module(main.COMMANDS[name].module).COMMAND
    for given in ([], ["--task=text_classification"]):
        assert command.execute(found, given) == command.EXIT_USAGE
        said = capsys.readouterr().err
        assert said.startswith("error: --dataset: a value is needed. Where the exam")
        assert "[needed]" in command.help_text(found, given, width=500)


def test_kft_train_is_python_m_kft_train() -> None:
    help_of_both = [_run("train", "--help").stdout]
    module = [sys.executable, "-m", "kft.train", "--help"]
    done = subprocess.run(module, cwd=REPOSITORY, capture_output=True, text=True)
    assert help_of_both == [done.stdout]
    assert done.stdout.startswith("usage: python -m kft.train [--name=value ...]\n")


def test_the_exit_code_of_the_command_comes_through() -> None:
    done = _run("train", "--dataset=digits", "--batch_size=0")
    assert done.returncode == 2
    assert done.stderr == "error: --batch_size: expected at least 1, received 0.\n"


def test_the_public_names_are_there_and_start_tensorflow_when_they_need_it() -> None:
    code = (
        "import sys, kft; assert kft.TrainConfig(seed=3).seed == 3; kft.RunResult; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
    assert callable(kft.fine_tune)
    with pytest.raises(AttributeError, match="no attribute 'finetune'"):
        _ = kft.finetune


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.dispatch(["help"]) == 0
    assert "usage: kft COMMAND" in capsys.readouterr().out
