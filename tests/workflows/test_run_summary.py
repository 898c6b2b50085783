"""The last screen of a run, on terminals of any width; no TensorFlow here."""

import dataclasses
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from kft.metrics.figures import Breakdown, Figure, Group
from kft.run_folder.history import StageResult
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.workflows import run_summary

STAGES = (
    StageResult(
        name="head",
        epochs=10,
        seconds=1.37,
        examples_per_second=40931.4,
        input_wait_fraction=0.1,
        trainable_parameters=12810,
        cached=True,
        best_epoch=9,
        validation={"accuracy": 0.932, "loss": 0.3},
    ),
    StageResult(
        name="block5",
        epochs=8,
        seconds=500.0,
        examples_per_second=373.8,
        input_wait_fraction=None,
        trainable_parameters=3096010,
        cached=False,
        best_epoch=6,
        validation={"accuracy": 0.979, "loss": 0.1},
    ),
)


class FiguresOf:
    """Figures of a task, and those of its classes."""

    def __init__(self, first: Figure, classes: dict[str, float | None]) -> None:
        self._first = first
        self._classes = classes

    def headline(self) -> tuple[Figure, ...]:
        return (self._first, Figure(name="loss", title="log loss", value=0.1))

    def breakdown(self) -> Breakdown | None:
        if not self._classes:
            return None
        groups = tuple(
            Group(label, 9, (Figure(name="f1", title="F1", value=value),))
            for label, value in self._classes.items()
        )
        return Breakdown("class", "classes", groups, ranked_by="f1")


def evaluation_of(
    split: str = "validation",
    name: str = "accuracy",
    classes: dict[str, float | None] | None = None,
) -> SimpleNamespace:
    """Return what the screen reads of an evaluation."""
    interval = (0.9682, 0.9861)
    first = Figure(name=name, title=name, value=0.979, interval=interval)
    values = {"a": 0.9, "b": 0.7, "c": None, "d": 0.95, "e": 0.8}
    figures = FiguresOf(first, values if classes is None else classes)
    return SimpleNamespace(source=SimpleNamespace(split=split), figures=figures)


EVALUATION = evaluation_of()


def run_in(folder: Path, **changes: Any) -> RunResult:
    """Return the result of a run whose folder has a blank in its name."""
    run = RunDir(folder / "a run")
    run.tensorboard.mkdir(parents=True)
    (run.export / "saved_model" / "1").mkdir(parents=True)
    for path in (run.report_html, run.evaluation_json, run.path / "example.png"):
        path.write_text("")
    values = {
        "run_dir": run.path,
        "monitor": "val_accuracy",
        "higher_is_better": True,
        "validation": {"accuracy": 0.979, "loss": 0.1},
        "test": {"accuracy": 0.9, "loss": 0.3},
        "best_stage": "block5",
        "best_epoch": 6,
        "seconds": 5000.0,
        "startup_seconds": {},
        "stages": STAGES,
    }
    return RunResult(**{**values, **changes})


def shown(
    result: RunResult,
    *,
    width: int = 80,
    evaluation: SimpleNamespace | None = EVALUATION,
    **options: Any,
) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, **options)
    run_summary.show(console, result, evaluation=evaluation, formats=("saved_model",))
    return stream.getvalue().splitlines()


def test_stages_figures_files_and_commands(tmp_path: Path) -> None:
    lines = shown(run_in(tmp_path), width=120)
    rows = [line.split() for line in lines]
    head = "head 12,810 10 9 1.4 s 40,931 cached 0.9320 -"
    block = "block5 3,096,010 8 6 8 min 374 live 0.9790 +0.0470"
    assert head.split() in rows
    assert block.split() in rows
    at = rows.index("validation accuracy 0.9790".split())
    assert rows[at + 1] == "95% interval 0.9682 to 0.9861".split()
    assert "test accuracy 0.9000".split() in rows
    assert "time 83 min".split() in rows
    folder = tmp_path / "a run"
    for line in (
        f"  {folder}/report.html",
        f"  {folder}/evaluation.json",
        f"  {folder}/export/saved_model/1",
        f"  tensorboard '--logdir={folder}/tensorboard'",
        f"  python -m kft.evaluate '--run_dir={folder}'",
        f"  python -m kft.predict '--run_dir={folder}' '{folder}/example.png'",
        f"  python -m kft.export '--run_dir={folder}' --formats=saved_model",
    ):
        assert line in lines


def test_the_time_of_the_whole_command_is_told(tmp_path: Path) -> None:
    stream = io.StringIO()
    run_summary.show(
        Console(file=stream, width=80),
        run_in(tmp_path),
        evaluation=EVALUATION,
        formats=(),
        command_seconds=5460.0,
    )
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert "time 83 min; the whole command 91 min".split() in rows


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_stage_that_made_it_worse_says_so_and_what_to_do(
    tmp_path: Path, higher_is_better: bool
) -> None:
    stages = STAGES if not higher_is_better else STAGES[::-1]
    result = run_in(tmp_path, stages=stages, higher_is_better=higher_is_better)
    text = " ".join(" ".join(shown(result)).split())
    worse = stages[1].name
    assert f"Stage {worse} made accuracy worse, by 0.0470; the weights of stage" in text
    assert "kft.find_lr" in text
    better = run_in(tmp_path / "better")
    assert "worse, by" not in " ".join(shown(better))


def test_the_three_worst_classes_are_those_with_the_lowest_f1(tmp_path: Path) -> None:
    lines = [line.strip() for line in shown(run_in(tmp_path), width=120)]
    at = lines.index("worst classes        b (F1 0.7000)")
    assert lines[at + 1 : at + 3] == ["e (F1 0.8000)", "a (F1 0.9000)"]
    assert lines[at + 3].startswith("time")


def test_any_task_is_shown_by_the_figure_that_chooses_its_weights(
    tmp_path: Path,
) -> None:
    stages = tuple(
        dataclasses.replace(stage, validation={"error_rate": value, "loss": 1.0})
        for stage, value in zip(STAGES, (0.5, 0.3), strict=True)
    )
    result = run_in(
        tmp_path,
        monitor="val_error_rate",
        higher_is_better=False,
        validation={"error_rate": 0.3, "loss": 1.0},
        test={},
        stages=stages,
    )
    evaluation = evaluation_of(name="error_rate", classes={})
    rows = [line.split() for line in shown(result, width=120, evaluation=evaluation)]
    head = next(row for row in rows if row[:1] == ["stage"])
    assert head[-3:] == ["error", "rate", "gain"]
    # Less is better, so a fall is a gain.
    block = next(row for row in rows if row[:1] == ["block5"])
    assert block[-2:] == ["0.3000", "+0.2000"]
    at = rows.index("validation error rate 0.3000".split())
    assert rows[at + 1] == "95% interval 0.9682 to 0.9861".split()
    assert rows[at + 2][0] == "time"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_what_is_to_copy_is_whole_and_the_rest_fits(tmp_path: Path, width: int) -> None:
    lines = shown(run_in(tmp_path), width=width)
    folder = tmp_path / "a run"
    assert f"  {folder}/report.html" in lines
    assert f"  python -m kft.evaluate '--run_dir={folder}'" in lines
    above = lines[: lines.index("Open:")]
    assert max(map(len, above)) <= width
    text = " ".join(" ".join(above).split())
    for part in ("block5", "0.9790", "8 min", "0.9682 to 0.9861", "worst classes"):
        assert part in text
    assert "…" not in text


def test_a_run_without_validation_has_no_figures_but_its_stages(
    tmp_path: Path,
) -> None:
    stages = tuple(
        dataclasses.replace(stage, validation={}, best_epoch=None) for stage in STAGES
    )
    result = run_in(tmp_path, validation={}, test={}, stages=stages)
    text = "\n".join(shown(result, evaluation=None, width=120))
    assert "worst" not in text and "95%" not in text
    assert "block5" in text and "time" in text


def test_an_interval_stands_beside_the_split_that_it_is_of(tmp_path: Path) -> None:
    result = run_in(tmp_path, validation={})
    lines = shown(result, evaluation=evaluation_of("test"))
    rows = [line.split() for line in lines]
    at = rows.index("test accuracy 0.9000".split())
    assert rows[at + 1] == "95% interval 0.9682 to 0.9861".split()
    of_validation = shown(run_in(tmp_path / "both"))
    assert "\n".join(of_validation).count("95% interval") == 1


def test_only_files_that_are_there_are_to_open(tmp_path: Path) -> None:
    result = run_in(tmp_path)
    RunDir(result.run_dir).report_html.unlink()
    lines = shown(result)
    assert not any("report.html" in line for line in lines)
    assert any("evaluation.json" in line for line in lines)


def test_codes_are_for_terminals_alone_and_no_color_takes_the_colours(
    tmp_path: Path,
) -> None:
    result = run_in(tmp_path)
    assert "\x1b" not in "\n".join(shown(result))
    coloured = "\n".join(shown(result, force_terminal=True, _environ={"TERM": "xterm"}))
    assert "\x1b[" in coloured
    environment = {"TERM": "xterm", "NO_COLOR": "1"}
    plain = "\n".join(shown(result, force_terminal=True, _environ=environment))
    assert "\x1b[3" not in plain and "\x1b[9" not in plain


def test_a_run_that_made_nothing_better_says_so_and_what_to_do(tmp_path: Path) -> None:
    # The second stage is worse than the first, and both than no training at all.
    result = run_in(tmp_path, stages=STAGES[::-1], best_stage="block5", best_epoch=0)
    text = " ".join(" ".join(shown(result)).split())
    assert "No epoch made accuracy better than it was before training" in text
    assert "kft.find_lr" in text and "--stages" in text
    assert "worse, by" not in text
