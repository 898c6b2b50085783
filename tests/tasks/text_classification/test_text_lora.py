"""Runs with --lora_rank: what moves, what is kept, and what they go on from."""

import dataclasses
import functools
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from kft import __main__ as kft_main
from kft import errors
from kft.config import TextClassificationConfig, searches
from kft.lr_finder import finder
from kft.model import lora
from kft.run_folder.run_result import RunResult
from kft.training import preflight, setup
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, task_runs, tiny_bert
from tests.training.workers import conftest as processes

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

STAGES = "head:1@0.1,top1:2@0.1,top2:2@0.1"
ONE_STAGE = {"stages": "top1:2@0.1", "ema_decay": 0.9, "weight_decay": 0.1}
# Parts drop out where they train, by other random numbers on other devices.
_NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts")
    tiny_bert.write(path / "bert", config={**tiny_bert.CONFIG, **_NO_DROPOUT})
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for number in range(160):
        label = ("good", "bad")[number % 2]
        others = rng.choice(["a", "b", "c", "the", "film"], rng.integers(1, 7))
        words = [*others, *[label] * rng.integers(3, 9)]
        rng.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    (path / "texts.csv").write_text("\n".join(lines))
    return path


def _config(folder: Path, name: str, **changes: object) -> TextClassificationConfig:
    config = TextClassificationConfig(
        dataset=f"csv:{folder / 'texts.csv'}",
        backbone=str(folder / "bert"),
        run_dir=str(folder / name),
        stages=STAGES,
        lora_rank=2,
        max_length=16,
        batch_size=8,
        clip_norm=1.0,
        export=(),
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


class _Watch(keras.callbacks.Callback):
    """Keeps matrices as they were at the start, and what they and the factors became.

    Attributes:
        begun: the matrices, by name.
        ended: likewise, after the last epoch.
        factors: norms of all B, after each epoch.
    """

    def on_train_begin(self, logs: object = None) -> None:
        self.begun = self._matrices()
        self.factors: list[list[float]] = []

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.ended = self._matrices()
        b = lora.factors(self.model)[1::2]
        self.factors.append([float(np.abs(factor).sum()) for factor in b])

    def _matrices(self) -> dict[str, np.ndarray]:
        return {v.path: v.numpy() for v in lora.matrices(self.model)}


@pytest.fixture(scope="module")
def watched(folder: Path) -> tuple[_Watch, RunResult]:
    watch = _Watch()
    config = _config(folder, "watched")
    return watch, fine_tune(config, callbacks=[watch], reporter=SilentReporter())


def test_matrices_stay_bit_by_bit_while_factors_of_unfrozen_layers_learn(
    watched,
) -> None:
    watch, result = watched
    assert result.validation["accuracy"] >= 0.9
    kept_weights.assert_equal(watch.begun, watch.ended)
    pretrained = tiny_bert.tensors()["encoder.layer.2.attention.self.query.weight"]
    np.testing.assert_array_equal(watch.ended["layer_3_query/kernel"], pretrained.T)
    # Six matrices in each of two layers; the head trains, then one, then both.
    moved = [[bool(norm) for norm in norms] for norms in watch.factors]
    lower, upper = [True] * 6, [False] * 6
    assert moved == [
        [*upper, *upper],
        *[[*upper, *lower]] * 2,
        *[[*lower, *lower]] * 2,
    ]


def test_it_trains_fewer_parameters_and_keeps_as_many(train) -> None:
    few, all_of_them = train(**ONE_STAGE), train(**ONE_STAGE, lora_rank=None)
    trained = [run.stages[0].trainable_parameters for run in (few, all_of_them)]
    # Width 24, inner width 40, rank 2.
    assert trained[1] - trained[0] == 4 * (24 * 24 - 2 * 48) + 2 * (24 * 40 - 2 * 64)
    kept, others = (kept_weights.read(run.run_dir) for run in (few, all_of_them))
    assert kept.keys() == others.keys()


@pytest.mark.slow
def test_a_stored_trunk_gives_the_weights_of_a_live_one(train) -> None:
    cached = train(**ONE_STAGE)
    live = train(**ONE_STAGE, feature_cache="off")
    assert (cached.stages[0].cached, live.stages[0].cached) == (True, False)
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(watched, folder: Path) -> None:
    task_runs.assert_goes_on(_config(folder, "killed"), watched[1].run_dir)


@pytest.mark.integration
def test_two_processes_give_what_one_gives(train, folder: Path) -> None:
    port = processes.free_ports(2)[0]
    started = []
    for worker in range(2):
        flags = task_runs.command(
            _config(folder, f"worker-{worker}", **ONE_STAGE),
            *(f"--coordinator=127.0.0.1:{port}", "--num_workers=2"),
            f"--worker_index={worker}",
        )
        output = folder / f"worker-{worker}.txt"
        started.append(processes.start(flags, {}, output))
    assert processes.finish(started, processes.TIMEOUT) == [0, 0]
    kept_weights.assert_close(
        folder / "worker-0", train(**ONE_STAGE).run_dir, atol=1e-5
    )


@pytest.mark.slow
def test_an_export_says_what_the_run_says(watched) -> None:
    run_dir = watched[1].run_dir
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    assert certificate["saved_model"]["largest_difference"] < 1e-5


def test_the_range_test_leaves_factors_as_they_were(folder, monkeypatch) -> None:
    contexts, original = [], setup.set_up_run

    def set_up(*arguments, **options):
        contexts.append(original(*arguments, **options))
        return contexts[-1]

    monkeypatch.setattr(setup, "set_up_run", set_up)
    options = searches.of_task(searches.RangeTestConfig, TextClassificationConfig)
    run = _config(folder, "unused", stages="head:1@0.1,top1:1@0.1")
    config = options(**vars(run), stage="top1", steps=20)
    found = finder.find(config, given=frozenset(), reporter=SilentReporter())
    assert [test.unfreeze for test in found.tests] == ["top1"]
    (context,) = contexts
    factors = lora.factors(context.network.model)
    assert len(factors) == 12
    assert not any(b.numpy().any() for b in factors[1::2])


def test_stages_that_unfreeze_nothing_are_refused_before_anything_starts(
    folder,
) -> None:
    config = _config(folder, "refused", stages="head:1@0.1")
    with pytest.raises(errors.ConfigError, match=r"--lora_rank=2 is of unfrozen.*top2"):
        preflight.check(config)


def test_a_rank_above_all_matrices_is_refused_and_leaves_no_run(folder: Path) -> None:
    config = _config(folder, "refused", lora_rank=15)
    with pytest.raises(errors.ConfigError, match="can have is 14"):
        fine_tune(config, reporter=SilentReporter())
