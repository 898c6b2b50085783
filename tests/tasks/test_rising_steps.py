"""A task that nobody planned gets the whole of kft for one folder and one line."""

import csv
import dataclasses
import functools
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import __main__ as kft_main
from kft import tasks
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from tests import kept_weights, task_runs
from tests.conftest import REPOSITORY
from tests.tasks import rising_steps
from tests.tasks.rising_steps import (
    CLASSES,
    LONGEST,
    RisingConfig,
    rising_inputs,
    rising_task,
)

STAGES = "head:2@0.5,block_3:3@0.2"
# Makes the task known to a process.
_REGISTERS = {"KFT_TASKS": "tests.tasks.rising_steps.register"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curves")
    rising_steps.write_curves(path / "curves.csv")
    return path


@pytest.fixture(scope="module")
def train(folder: Path) -> Iterator[task_runs.Train]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tasks.TASKS, "rising_steps", rising_steps.KIND)
        yield task_runs.once(functools.partial(_config, folder))


def _config(folder: Path, name: str, **changes: object) -> RisingConfig:
    config = RisingConfig(
        dataset=f"csv:{folder / 'curves.csv'}",
        run_dir=str(folder / name),
        stages=STAGES,
        batch_size=16,
        warmup_fraction=0.0,
        dropout=0.1,
        export=(),
    )
    return dataclasses.replace(config, **changes)


def test_a_run_of_two_stages_on_a_stored_trunk_is_chosen_by_f1(train) -> None:
    result = train()
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.monitor == "val_f1"
    assert result.monitored > 0.2
    lines = (result.run_dir / "metrics.jsonl").read_text().splitlines()
    best = max(json.loads(line)["val_f1"] for line in lines)
    assert result.validation["f1"] == pytest.approx(best)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(train, folder: Path) -> None:
    config = _config(folder, "killed")
    task_runs.assert_goes_on(config, train().run_dir, environment=_REGISTERS)


def test_a_stored_trunk_changes_no_bit_where_all_curves_have_one_length(train) -> None:
    cached = train(pad_to=LONGEST)
    live = train(pad_to=LONGEST, feature_cache="off")
    kept_weights.assert_equal(
        kept_weights.read(cached.run_dir), kept_weights.read(live.run_dir)
    )


def test_a_stored_trunk_of_buckets_gives_the_weights_of_a_live_one(train) -> None:
    cached, live = train(), train(feature_cache="off")
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.integration
def test_two_devices_give_what_one_gives(train, folder: Path) -> None:
    alone = train(dropout=0.0)
    config = _config(folder, "two")
    command = [
        *(sys.executable, "-m", "kft.train"),
        *("--task=rising_steps", f"--dataset={config.dataset}", "--devices=cpu:2"),
        *(f"--run_dir={config.run_dir}", f"--stages={STAGES}", "--batch_size=16"),
        *("--warmup_fraction=0", "--export=", "--report=false"),
    ]
    subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **_REGISTERS},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    kept_weights.assert_close(Path(config.run_dir), alone.run_dir, atol=1e-5)


def test_what_stands_in_the_padding_reaches_no_result() -> None:
    task = rising_task.RisingSteps(RisingConfig(dropout=0.0), LabelMap(CLASSES))
    model = task.network().model
    rng = np.random.default_rng(0)
    mask = (np.arange(12) < np.array([[12], [7], [3]])).astype(np.float32)
    targets = tf.constant(np.where(mask > 0, rng.integers(0, 2, mask.shape), -1))
    targets = tf.cast(targets, tf.int32)
    values = rng.normal(size=mask.shape).astype(np.float32)
    garbage = np.where(mask > 0, values, 1e6).astype(np.float32)
    found = []
    for one in (values * mask, garbage):
        outputs = model({"values": one, "mask": mask}, training=False)
        losses = task.objective.losses(targets, outputs)
        totals = task.objective.totals(targets, outputs, training=False)
        found.append((losses, *totals.values()))
    for zeros, filled in zip(*found, strict=True):
        np.testing.assert_array_equal(zeros, filled)


def test_f1_of_spans_is_that_of_all_curves_together(train, capsys) -> None:
    result = train()
    assert kft_main.dispatch(["evaluate", f"--run_dir={result.run_dir}"]) == 0
    assert "F1 of spans" in capsys.readouterr().out
    written = json.loads((result.run_dir / "evaluation.json").read_text())
    assert written["f1"] == pytest.approx(result.validation["f1"], abs=1e-6)
    assert 0 < written["found"] < written["true"] == _true_spans(result.run_dir)


def _true_spans(run_dir: Path) -> int:
    rows = csv.DictReader(io.StringIO((run_dir.parent / "curves.csv").read_text()))
    labels = {row["id"]: np.array(row["labels"].split(), int) for row in rows}
    split = csv.DictReader(io.StringIO((run_dir / "split.csv").read_text()))
    validation = [row["id"] for row in split if row["split"] == "validation"]
    return sum(len(rising_inputs.spans(labels[name] == 1)) for name in validation)


def test_files_and_an_export_alone_are_answered(train, tmp_path, capsys) -> None:
    run_dir = train().run_dir
    (tmp_path / "up.curve").write_text("-2 -2 -2 -1 0 1 2 2 2")
    (tmp_path / "not.curve").write_text("words")
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    assert certificate["saved_model"]["largest_difference"] < 1e-5
    capsys.readouterr()
    asked = (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model")
    answers = []
    for what in asked:
        with pytest.raises(SystemExit, match="1 of 2 files"):
            kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
        answers.append(capsys.readouterr().out.splitlines())
    for lines in answers:
        bad, good = map(json.loads, lines)
        assert bad["error"] and good["steps"] == 9
    assert json.loads(answers[0][1]) == json.loads(answers[1][1])


def test_there_is_a_report_with_its_curves(train) -> None:
    run_dir = train().run_dir
    assert kft_main.dispatch(["report", f"--run_dir={run_dir}"]) == 0
    page = (run_dir / "report.html").read_text()
    assert "<polyline" in page
    assert "F1 of spans" in page


def test_its_flags_are_its_own(train, capsys) -> None:
    assert kft_main.dispatch(["train", "--help", "--task=rising_steps"]) == 0
    shown = capsys.readouterr().out
    assert "--pad_to" in shown and "--image_size" not in shown
    assert kft_main.dispatch(["train", "--task=rising_steps", "--image_size=32"]) == 2
    assert "--image_size belongs to" in capsys.readouterr().err


def test_a_loaded_run_answers_in_the_order_of_the_examples(train, folder: Path) -> None:
    from kft.evaluation import evaluate_run, run_split

    run = load_run.load(str(train().run_dir))
    examples = run_split.of_split(run, "validation")
    found = evaluate_run.predict(run, examples)
    assert len({len(found.logits[row]) for row in range(len(examples))}) > 5
    for row in (0, 3, len(examples) - 1):
        payload = examples.read(tf.constant(examples.rows[row : row + 1]))[0]
        made = rising_inputs.parse(payload, None)
        alone = run.model({k: v[None] for k, v in made.items()}, training=False)[0]
        np.testing.assert_allclose(found.logits[row], alone, atol=1e-5)
