"""The command: what it takes, and what it says."""

import os
from pathlib import Path

import pytest

from kft import report
from kft.cli import command, progress_bar
from kft.evaluation import load_run
from kft.reporting import comparison, write_report
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir


def _execute(*arguments: str) -> int:
    return command.execute(report.COMMAND, arguments)


def _any_run(path: str, *, out: str | None) -> RunDir:
    return RunDir(Path(path), None if out is None else Path(out))


def test_a_run_that_cannot_be_written_is_reported_on_with_out(
    finished_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Root may write to what is read-only for others.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert _execute(str(finished_run)) == 2
    assert "--out=FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "received neither"),
        (("runs/a", "runs/b"), "received runs/a runs/b"),
        (("--run_dir=c", "runs/a"), "received c runs/a"),
        (("--compare", "runs/a"), "at least two run folders"),
        (("--compare",), "received none"),
        (("--compare", "--run_dir=c", "runs/a", "runs/b"), "no --run_dir"),
        (
            ("--compare", "runs/a", "runs/b", "--doubted_labels=5"),
            "--doubted_labels=5 belongs to the report of one run",
        ),
    ],
)
def test_one_run_or_several_to_compare(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _execute(*arguments) == command.EXIT_USAGE
    assert message in capsys.readouterr().err


def test_a_folder_of_no_run_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _execute(f"--run_dir={tmp_path / 'nothing'}") == command.EXIT_USAGE
    assert str(tmp_path / "nothing") in capsys.readouterr().err


def test_it_says_what_the_page_says_and_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_dir, "finished", _any_run)

    def make(
        run: RunDir,
        *,
        loader: load_run.RunLoader,
        doubted_labels: int | None,
        bar: progress_bar.Bar,
    ) -> write_report.Report:
        drawn = (run.report_html, run.charts / "curves.png")
        return write_report.Report(run.report_html, f"All is {loader.data}.", drawn)

    monkeypatch.setattr(write_report, "make", make)
    for folder in ("--run_dir=runs/a", "runs/a"):
        assert _execute(folder, "--data=well") == command.EXIT_OK
        assert capsys.readouterr().out == (
            "All is well.\nruns/a/report.html\nruns/a/charts/curves.png\n"
        )
    assert _execute("runs/a", "--out=b") == command.EXIT_OK
    assert capsys.readouterr().out == (
        "All is None.\nb/report.html\nb/charts/curves.png\n"
    )


def test_folders_to_compare_stand_behind_the_flag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compare(folders: tuple[str, ...], output: str) -> comparison.Comparison:
        assert folders == ("runs/a", "runs/b")
        return comparison.Comparison(Path(output), (), ())

    monkeypatch.setattr(run_dir, "finished", _any_run)
    monkeypatch.setattr(comparison, "compare", compare)
    monkeypatch.setattr(comparison, "table", lambda found: ["the table"])
    arguments = ("--compare", "runs/a", "runs/b", "--output=x.html")
    assert _execute(*arguments, "--out=pages") == command.EXIT_OK
    assert capsys.readouterr().out == "the table\n\npage  pages/x.html\n"
    assert _execute(*arguments) == command.EXIT_OK
    assert capsys.readouterr().out == "the table\n\npage  x.html\n"


def test_a_run_that_has_not_ended_is_refused_before_tensorflow_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert _execute(f"--run_dir={tmp_path}") == command.EXIT_USAGE
    assert "unfinished run" in capsys.readouterr().err
