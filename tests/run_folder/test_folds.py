"""Cross-validation: which runs there are, and which cannot be."""

from pathlib import Path

import pytest

from kft import errors
from kft.config import TrainConfig
from kft.run_folder import folds


def test_the_runs_differ_in_fold_and_folder_only() -> None:
    config = TrainConfig(folds=2, run_dir="runs/x", dropout=0.5)
    assert folds.configs(config) == (
        TrainConfig(folds=2, fold=0, run_dir="runs/x/fold0", dropout=0.5),
        TrainConfig(folds=2, fold=1, run_dir="runs/x/fold1", dropout=0.5),
    )
    assert folds.are_wanted(config)
    assert not any(map(folds.are_wanted, folds.configs(config)))
    assert not folds.are_wanted(TrainConfig())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repeats": 2}, "--folds=2 and --repeats=2 are two reasons"),
        ({"batch_size": "auto"}, "--folds=2: with --batch_size=auto each fold"),
        (
            {"coordinator": "127.0.0.1:4000", "num_workers": 2, "worker_index": 0},
            "--folds=2: .* Start a run for each --fold",
        ),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(errors.ConfigError, match=message):
        folds.check(TrainConfig(folds=2, **options))


def test_the_folder_of_a_single_run_is_refused_for_all_folds(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(errors.RunDirError, match="holds a single run, and --folds=2"):
        folds.check(TrainConfig(run_dir=str(tmp_path), folds=2))
    folds.check(TrainConfig(run_dir=str(tmp_path), folds=2, fold=1))
