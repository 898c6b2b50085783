"""The command that searches."""

import signal
from pathlib import Path

import pytest

from kft import errors, tasks, tune
from kft.cli import command
from kft.cli.flags import parse
from kft.config import TrainConfig
from kft.training import preflight
from kft.workflows import train_run
from tests.search.conftest import played, tiny_splits  # noqa: F401, a fixture


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """Return a list of the configs that are trained in full, which are not."""
    seen = []
    monkeypatch.setattr(train_run, "run", seen.append)
    monkeypatch.setattr(preflight, "check", lambda config, also=(): None)
    monkeypatch.setattr(preflight, "check_options", lambda config: None)
    monkeypatch.setattr(tasks, "load_splits", lambda config: tiny_splits())
    return seen


def search(folder: Path, *more: str) -> int:
    flags = [
        "--dataset=digits",
        "--stages=head:2",
        "--space=learning_rate=log:1e-3..1",
        "--tuner=random",
        "--trials=3",
        f"--search_dir={folder}",
        *more,
    ]
    return command.execute(tune.COMMAND, flags)


def test_the_winner_is_trained_as_best_cfg_has_it(
    trained,
    played,  # noqa: F811
    tmp_path,
    capsys,
):
    folder = tmp_path / "search"
    features = folder / "features"
    played.curve = lambda config: (
        features.mkdir(exist_ok=True) or [config.learning_rate] * 2
    )
    assert search(folder) == 0
    (winner,) = trained
    assert winner == parse(TrainConfig, [f"--flagfile={folder / 'best.cfg'}"]).config
    assert winner.learning_rate == max(c.learning_rate for c in played.configs)
    # What only the trials needed is gone.
    assert not features.exists()
    shown = capsys.readouterr().out
    assert "Trials, the best 3 of 3" in shown
    assert f"best settings  {folder / 'best.cfg'}" in shown
    assert (folder / "trials.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (errors.TrainingError("below the bar"), False),
        (errors.Interrupted(signal.SIGTERM), True),
    ],
)
def test_features_stay_only_where_the_search_goes_on(
    trained,
    played,  # noqa: F811
    tmp_path,
    monkeypatch,
    error,
    stays,
):
    def fail(config):
        raise error

    monkeypatch.setattr(train_run, "run", fail)
    features = tmp_path / "search" / "features"
    played.curve = lambda config: features.mkdir(exist_ok=True) or [0.5] * 2
    assert search(tmp_path / "search") != 0
    assert features.exists() == stays


def test_a_tracker_that_is_not_installed_is_named_before_any_trial(tmp_path, capsys):
    flags = ["--backbone=EfficientNetLite0", "--trackers=wandbb"]
    assert search(tmp_path / "search", *flags) == command.EXIT_USAGE
    assert "there is no tracker 'wandbb'" in capsys.readouterr().err
    assert not (tmp_path / "search").exists()


def test_the_winner_need_not_be_trained(trained, played, tmp_path):  # noqa: F811
    assert search(tmp_path / "search", "--notrain_best") == 0
    assert trained == []
    assert (tmp_path / "search" / "best.cfg").is_file()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--space=lerning_rate=log:1..2"], "Did you mean learning_rate"),
        (["--recipe=auto"], "a search has to name them before"),
        (["--batch_size=auto"], "may choose another size for each trial"),
        (["--space=batch_size=choice:auto|32"], "may differ from trial to trial"),
        (["--tuner=grid"], "learning_rate=log:0.001..1.0/4 has 4"),
        (["--dataset=folder:p", "--search_dir=p/s"], "--search_dir=p/s lies in"),
    ],
)
def test_what_can_not_be_searched_is_said_before_anything_runs(
    trained, tmp_path, capsys, flags, message
):
    assert search(tmp_path / "search", *flags) == command.EXIT_USAGE
    assert message in capsys.readouterr().err
    assert not (tmp_path / "search").exists()


def test_every_value_is_checked_as_a_run_would_be(tmp_path, capsys):
    flags = ["--backbone=EfficientNetLite0", "--stages=top2:2"]
    space = "--space=stages.top2.unfreeze=choice:blok5|block5"
    assert search(tmp_path / "search", *flags, space) == command.EXIT_USAGE
    shown = capsys.readouterr().err
    assert "with stages.top2.unfreeze=blok5" in shown and "Did you mean" in shown
