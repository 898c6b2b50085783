"""Several seeds: which runs there are, and which cannot be."""

from pathlib import Path

import pytest

from kft import errors
from kft.config import TrainConfig
from kft.run_folder import seeds


def test_the_runs_differ_in_seed_and_folder_only() -> None:
    config = TrainConfig(seed=3, repeats=2, run_dir="runs/x", dropout=0.5)
    assert seeds.configs(config) == (
        TrainConfig(seed=3, run_dir="runs/x/seed3", dropout=0.5),
        TrainConfig(seed=4, run_dir="runs/x/seed4", dropout=0.5),
    )


def test_more_repeats_begin_with_the_same_runs() -> None:
    two, five = (seeds.configs(TrainConfig(repeats=k)) for k in (2, 5))
    assert five[:2] == two


def test_without_a_run_dir_the_folder_is_the_default_one() -> None:
    config = TrainConfig(repeats=2, dataset="digits", backbone="VGG16")
    assert seeds.configs(config)[0].run_dir == str(Path("runs/digits-VGG16/seed0"))


def test_seeds_beyond_the_last_are_refused() -> None:
    with pytest.raises(errors.ConfigError, match="--seed: expected at most"):
        seeds.check(TrainConfig(seed=2**31 - 2, repeats=3))


def test_the_folder_of_a_single_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    config = TrainConfig(run_dir=str(tmp_path), repeats=2)
    with pytest.raises(errors.RunDirError, match="holds a single run"):
        seeds.check(config)


def test_several_workers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(
        repeats=2, coordinator="127.0.0.1:4000", num_workers=2, worker_index=0
    )
    with pytest.raises(errors.ConfigError, match="--repeats=2: .* only once"):
        seeds.check(config)


def test_a_batch_that_each_seed_would_choose_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="--batch_size=auto each seed"):
        seeds.check(TrainConfig(repeats=2, batch_size="auto"))
    seeds.check(TrainConfig(repeats=1, batch_size="auto"))
