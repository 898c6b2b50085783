"""The edge of every command."""

import dataclasses
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import absl.logging
import pytest

import kft
from kft import config, errors
from kft.__main__ import COMMANDS
from kft.cli import command as cli_command
from kft.config.fields import option
from tests.conftest import REPOSITORY, RunKft


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowConfig(config.Config):
    """How it is shown."""

    files: tuple[str, ...] = option((), "Files to show.")
    limit: int = option(3, "Most rows.", minimum=1)


@pytest.fixture(autouse=True)
def _restored_process() -> Iterator[None]:
    """Undo what a command does to the process that it has for itself."""
    logger = absl.logging.get_absl_logger()
    state = (list(logger.handlers), logger.propagate, list(sys.meta_path))
    ctrl_c = signal.getsignal(signal.SIGINT)
    verbosity, environment = absl.logging.get_verbosity(), dict(os.environ)
    yield
    signal.signal(signal.SIGINT, ctrl_c)
    logger.handlers[:], logger.propagate, sys.meta_path[:] = state
    absl.logging.set_verbosity(verbosity)
    os.environ.clear()
    os.environ.update(environment)


def _raising(error: BaseException) -> Callable[[ShowConfig], None]:
    def main(settings: ShowConfig) -> None:
        raise error

    return main


def _command(main: Callable[..., None], **options: Any) -> cli_command.Command:
    return cli_command.Command("show", __doc__, ShowConfig, main, **options)


def _execute(main: Callable[..., None], arguments: list[str], **options: Any) -> int:
    return cli_command.execute(_command(main, **options), arguments)


def _do_nothing(settings: ShowConfig) -> None:
    """Do nothing."""


def test_the_command_gets_its_config() -> None:
    seen: list[ShowConfig] = []
    assert _execute(seen.append, ["--limit=7"]) == 0
    assert seen == [ShowConfig(limit=7)]


def test_positional_arguments_reach_the_config() -> None:
    seen: list[ShowConfig] = []
    arguments = ["a", "--limit=7", "--debug", "--", "--debug"]
    assert _execute(seen.append, arguments, positional="files") == 0
    assert seen == [ShowConfig(files=("a", "--debug"), limit=7)]


def test_a_mistake_is_a_message_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert _execute(_do_nothing, ["--limit=0"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "error: --limit: expected at least 1, received 0.\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    "kind", [errors.ConfigError, errors.DataError, errors.RunDirError]
)
def test_an_error_of_the_command_is_a_message_without_a_traceback(
    kind: type[errors.KftError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _execute(_raising(kind("No images.")), []) == 2
    assert capsys.readouterr().err == "error: No images.\n"


def test_debug_shows_the_traceback_of_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main = _raising(errors.DataError("No images."))
    assert _execute(main, ["--debug"]) == 2
    captured = capsys.readouterr().err
    assert captured.startswith("Traceback (most recent call last):")
    assert captured.endswith("error: No images.\n")


def test_another_error_is_called_a_bug_and_shows_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _execute(_raising(ZeroDivisionError("x")), []) == 1
    captured = capsys.readouterr().err
    assert "ZeroDivisionError: x" in captured
    assert "this is a bug in kft" in captured


def test_ctrl_c_is_130_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert _execute(_raising(KeyboardInterrupt()), []) == 130
    signal.raise_signal(signal.SIGINT)  # pressed again while the process ends
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)],
)
def test_a_run_that_saved_itself_says_so_with_a_code_of_its_own(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _execute(_raising(errors.Interrupted(number)), []) == code
    assert number.name in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-h", "--help", "--helpfull"])
def test_help_comes_before_everything_else(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = _raising(ZeroDivisionError())
    assert _execute(main, ["--limit=x", flag, "--nonsense"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: python -m ")
    assert "The edge of every command." in text
    assert "--limit=INT" in text


def test_help_after_two_dashes_is_an_argument() -> None:
    seen: list[ShowConfig] = []
    _execute(seen.append, ["--", "--help"], positional="files")
    assert seen == [ShowConfig(files=("--help",))]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _execute(_do_nothing, ["--version"]) == 0
    assert capsys.readouterr().out == f"kft {kft.__version__}\n"


def test_run_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["show", "--limit=0"])
    with pytest.raises(SystemExit) as caught:
        cli_command.run(_command(_do_nothing))
    assert caught.value.code == 2


def test_logs_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    def main(settings: ShowConfig) -> None:
        absl.logging.warning("small: %d", 3)
        logging.getLogger("other").info("nothing")

    assert _execute(main, []) == 0
    captured = capsys.readouterr()
    assert captured.err == "warning: small: 3\n"
    assert captured.out == ""


def test_a_reader_that_goes_away_is_no_error() -> None:
    piped = f"{sys.executable} -m kft.train --help | true; exit ${{PIPESTATUS[0]}}"
    for _ in range(3):
        done = subprocess.run(
            ["bash", "-c", piped], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert done.stderr == ""
        assert done.returncode in (0, cli_command.EXIT_BROKEN_PIPE)


def test_flags_are_checked_before_anything_slow_is_imported(
    run_kft: RunKft, nothing_heavy: Mapping[str, str]
) -> None:
    wrong = ("--batch_size=0", "--resize=cop", "--learning_rat=1")
    done = run_kft("train", *wrong, env=nothing_heavy)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: There is no flag --learning_rat. Did you mean learning_rate?\n"
    )


@pytest.mark.parametrize("command", ["predict", "evaluate", "export", "report", "demo"])
def test_a_run_that_is_not_there_is_said_before_anything_slow_is_imported(
    command: str, run_kft: RunKft, nothing_heavy: Mapping[str, str]
) -> None:
    files = ["x.jpg"] if command == "predict" else []
    done = run_kft(command, "--run_dir=gone", *files, env=nothing_heavy)
    assert done.returncode == 2
    assert done.stderr.startswith("error: There is no run folder gone; ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_slow(
    command: str, run_kft: RunKft, nothing_heavy: Mapping[str, str]
) -> None:
    done = run_kft(command, "--help", env=nothing_heavy)
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: python -m kft.{command} ")


def test_a_signal_is_a_message_and_code_75(capsys: pytest.CaptureFixture[str]) -> None:
    def main(settings: ShowConfig) -> None:
        signal.raise_signal(signal.SIGTERM)

    assert _execute(main, []) == cli_command.EXIT_RESUMABLE == 75
    assert capsys.readouterr().err == (
        "Stopped by SIGTERM; what was written before is whole. The same command goes "
        "on.\n"
    )
