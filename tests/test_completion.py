"""Completion of commands and flags, as shells do it."""

import shutil
import subprocess

import pytest

from kft import __main__ as kft_main
from kft import completion
from kft.cli import command


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return request.param


def _script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert command.execute(completion.COMMAND, [shell]) == command.EXIT_OK
    return capsys.readouterr().out


def test_a_script_knows_every_command(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script(shell, capsys)
    assert all(name in script for name in kft_main.COMMANDS)
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, text=True, check=False)
        assert done.returncode == 0


# As bash splits them, at `=` too.
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["evaluate", "--assert"], ["--assert_accuracy_at_least="]),
        (["train", "--feature_cache", "="], ["auto", "memory", "disk", "off"]),
        (["train", "--feature_cache", "=", "me"], ["memory"]),
        (["train", "--seed", "="], []),
        (["train", "--deterministic", "=", "t"], ["true"]),
        # A flag of a task that is not the default one.
        (["train", "--max_len"], ["--max_length="]),
    ],
)
def test_bash_completes(
    words: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script("bash", capsys)
    given = " ".join(f"'{word}'" for word in ["kft", *words])
    asked = (
        f"compopt() {{ :; }}\nCOMP_WORDS=({given})\nCOMP_CWORD={len(words)}\n_kft\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script + asked], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == expected
    assert done.stderr == ""
