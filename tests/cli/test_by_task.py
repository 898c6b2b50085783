"""Flags that depend on the task."""

from pathlib import Path

import pytest

from kft import errors, tasks
from kft.cli import by_task, command, flags
from kft.config import (
    AuditOptions,
    AuditRunConfig,
    SearchConfig,
    TrainConfig,
    TuneConfig,
)
from tests.tasks import rising_steps
from tests.tasks.rising_steps import RisingConfig

RUN = by_task.ByTask(tasks.known)
SEARCH = by_task.ByTask(tasks.known, SearchConfig)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a task as a package outside kft does: by one line."""
    monkeypatch.setitem(tasks.TASKS, "rising_steps", rising_steps.KIND)


def _problem(*arguments: str, config: by_task.ByTask = RUN) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        flags.parse(config, arguments)
    return str(caught.value)


def _help(*arguments: str) -> str:
    return command.help_text(
        command.Command("train", "Train.", RUN, lambda config: None),
        arguments,
        width=88,
    )


def test_without_a_task_it_is_the_default_one() -> None:
    parsed = flags.parse(RUN, ["--image_size=64"])
    assert parsed == flags.Parsed(TrainConfig(image_size=64), frozenset({"image_size"}))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--task=rising_steps", "--width=5"],
        ["--width", "5", "--task", "rising_steps"],
        ["-task=rising_steps", "--width=5"],
        ["--task=image_classification", "--width=5", "--task=rising_steps"],
    ],
)
def test_the_task_decides_which_flags_there_are(arguments: list[str]) -> None:
    assert flags.parse(RUN, arguments).config == RisingConfig(width=5)


def test_a_flagfile_may_name_the_task(tmp_path: Path) -> None:
    path = tmp_path / "curves.cfg"
    path.write_text("--pad_to=8\n--task=rising_steps\n")
    made = flags.parse(RUN, [f"--flagfile={path}", "--seed=3"]).config
    assert made == RisingConfig(pad_to=8, seed=3)


def test_a_task_that_there_is_not_is_named_with_those_that_there_are() -> None:
    assert _problem("--task=rising_stps") == (
        f"--task: expected one of {', '.join(tasks.TASKS)}, received "
        "'rising_stps'. Did you mean rising_steps?"
    )


def test_flags_of_another_task_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("--width=5\n")
    assert _problem("--task=rising_steps", "--image_size=64", "--augment=flip") == (
        "--image_size belongs to --task=image_classification, received "
        "--task=rising_steps. Leave it out.\n"
        "--augment belongs to --task=image_classification or audio_classification or "
        "speech_recognition, received --task=rising_steps. Leave it out."
    )
    assert _problem("--pad_to=8", f"--flagfile={path}") == (
        "--pad_to belongs to --task=rising_steps, received "
        "--task=image_classification. Leave it out.\n"
        "--width belongs to --task=rising_steps, received --task=image_classification "
        f"({path}, line 1). Leave it out."
    )


def test_a_flag_of_no_task_is_unknown_as_ever() -> None:
    assert _problem("--task=rising_steps", "--widht=5") == (
        "There is no flag --widht. Did you mean width or weights?"
    )


def test_a_command_adds_its_own_flags_to_those_of_the_task() -> None:
    searched = flags.parse(
        SEARCH, ["--task=rising_steps", "--trials=3", "--width=5"]
    ).config
    assert isinstance(searched, SearchConfig)
    assert searched.train_config() == RisingConfig(width=5)
    assert flags.parse(SEARCH, ["--trials=3"]).config == TuneConfig(trials=3)
    assert "--pooling belongs to" in _problem(
        "--task=rising_steps", "--pooling=max", config=SEARCH
    )


def test_help_lists_the_tasks_and_the_flags_of_one() -> None:
    default, rising = _help(), _help("--help", "--task=rising_steps")
    for text in (default, rising):
        assert f"\n  --task={'|'.join(tasks.TASKS)}\n" in text
        assert "rising_steps: mark the rising steps" in " ".join(text.split())
        assert "\n  --seed=INT\n" in text
    assert "\n  --image_size=" in default and "\n  --width=" not in default
    assert "\n  --width=INT\n" in rising and "\n  --image_size=" not in rising
    assert "A table of curves. [csv:curves.csv]" in rising


def test_help_puts_what_all_tasks_share_before_what_one_has() -> None:
    text = _help("--task=rising_steps")
    heading = "The flags of --task=rising_steps"
    order = ["--dataset=", "--run_dir=", heading, "How a curve is read:", "--pad_to="]
    assert [text.index(part) for part in order] == sorted(map(text.index, order))


def test_help_for_a_task_that_there_is_not_is_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = command.Command("train", "Train.", RUN, lambda config: None)
    assert (
        command.execute(shown, ["--help", "--task=rising_stps"]) == command.EXIT_USAGE
    )
    assert "expected one of" in capsys.readouterr().err


def test_flags_are_read_before_tensorflow_starts(run_kft) -> None:
    done = run_kft("train", "--task=text")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --task: expected one of image_class")


def test_a_command_may_read_more_flags_than_its_help_lists() -> None:
    audit = by_task.ByTask(tasks.known, AuditRunConfig, shown=AuditOptions)
    arguments = ["--task=rising_steps", "--stages=head:1", "--pad_to=5", "--out=found"]
    made = flags.parse(audit, arguments).config
    assert isinstance(made, AuditOptions)
    assert (made.out, made.stages) == ("found", "head:1")
    text = command.help_text(
        command.Command("audit", "Look.", audit, lambda config: None),
        arguments,
        width=88,
    )
    assert "--out=TEXT" in text and "--pad_to=INT" in text
    assert "--stages" not in text and "--run_dir" not in text
