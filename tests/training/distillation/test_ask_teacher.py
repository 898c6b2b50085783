"""Runs with a teacher, on the tiny network."""

import csv
import io
import json
import shutil

import h5py
import numpy as np
import pytest

from kft import errors
from kft.data import sample
from kft.model.network import stable_paths
from kft.training.distillation import ask_teacher
from kft.training.monitoring.progress import SilentReporter
from tests import tiny
from tests.training.test_fine_tune import run_until, stop_after, stop_after_save

# Short, and with a stage on a stored trunk and one without.
SHORT = {"stages": "head:2@0.1,all:1@0.01"}


@pytest.fixture
def teacher(kept_run, tmp_path):
    """Return the folder of a teacher that a test may change."""
    result = kept_run(stages="head:2@0.1,block_3:2@0.05")
    shutil.copytree(result.run_dir, tmp_path / "teacher")
    return tmp_path / "teacher"


@pytest.fixture
def asked(monkeypatch):
    """Return a list of the answers of the teachers that were asked."""
    found = []
    original = ask_teacher._ask

    def ask(*args):
        found.append(original(*args))
        return found[-1]

    monkeypatch.setattr(ask_teacher, "_ask", ask)
    return found


def _weights(result) -> dict[str, np.ndarray]:
    model = tiny.network(dropout=0.3).model
    model.load_weights(result.run_dir / "best.weights.h5")
    return {path: v.numpy() for path, v in stable_paths(model).items()}


def _same(first, second) -> bool:
    a, b = _weights(first), _weights(second)
    return all(np.array_equal(a[path], b[path]) for path in a if "seed" not in path)


def test_the_answers_are_those_of_its_network_in_the_order_of_the_examples(
    tiny_run, teacher, asked
):
    tiny_run("student", teacher=str(teacher), **SHORT)
    network = tiny.network(dropout=0.3).model
    network.load_weights(teacher / "best.weights.h5")
    for examples, prefix in (
        (tiny.examples(70), ""),
        (tiny.examples(37, seed=1), "val_"),
    ):
        inputs = sample.load(examples, tiny.Inputs().preprocess(training=False))
        logits = network(np.stack(inputs), training=False).numpy()
        if not prefix:
            np.testing.assert_allclose(asked[0].logits, logits, rtol=1e-4, atol=1e-4)
        hits = (logits.argmax(axis=-1) == examples.labels).mean()
        assert asked[0].figures[f"{prefix}accuracy"] == pytest.approx(hits)


def test_a_teacher_without_weight_changes_nothing(tiny_run, teacher):
    alone = tiny_run("alone", **SHORT)
    taught = tiny_run("taught", teacher=str(teacher), **SHORT)
    unheard = tiny_run(
        "unheard", teacher=str(teacher), distillation_weight=0.0, **SHORT
    )
    assert _same(alone, unheard)
    assert not _same(alone, taught)
    assert alone.validation == unheard.validation


@pytest.mark.slow
def test_a_stored_trunk_learns_from_it_what_a_live_one_learns(tiny_run, teacher):
    options = {"teacher": str(teacher), "stages": "head:2@0.1,block_3:2@0.05"}
    live = tiny_run("live", feature_cache="off", **options)
    for cache in ("memory", "disk"):
        assert _same(live, tiny_run(cache, feature_cache=cache, **options))


@pytest.mark.slow
@pytest.mark.parametrize("stop", [stop_after, stop_after_save])
def test_a_run_goes_on_bit_by_bit_and_does_not_ask_again(
    tiny_run, teacher, asked, monkeypatch, stop
):
    whole = tiny_run("whole", teacher=str(teacher), **SHORT)
    assert len(asked) == 1
    with monkeypatch.context() as patch:
        stop(patch, 1)
        with pytest.raises(errors.Interrupted):
            tiny_run("stopped", teacher=str(teacher), **SHORT)
    assert len(asked) == 2
    stopped = tiny_run("stopped", teacher=str(teacher), **SHORT)
    assert len(asked) == 2
    assert _same(whole, stopped)
    assert not (stopped.run_dir / "cache").exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["gone", "damaged", "a folder"])
def test_answers_that_are_damaged_are_asked_for_again_to_the_same_weights(
    tiny_run, teacher, asked, monkeypatch, caplog, damage
):
    whole = tiny_run("whole", teacher=str(teacher), **SHORT)
    run_until(
        monkeypatch, 1, lambda: tiny_run("stopped", teacher=str(teacher), **SHORT)
    )
    path = teacher.parent / "stopped" / "cache" / "teacher_answers.npz"
    path.unlink()
    if damage == "damaged":
        path.write_bytes(b"PK")
    if damage == "a folder":
        path.mkdir()
    if damage == "a folder":
        with pytest.raises(errors.RunDirError, match="teacher_answers"):
            tiny_run("stopped", teacher=str(teacher), **SHORT)
        path.rmdir()
    stopped = tiny_run("stopped", teacher=str(teacher), **SHORT)
    assert len(asked) >= 3
    np.testing.assert_array_equal(asked[0].logits, asked[-1].logits)
    assert _same(whole, stopped)
    assert ("the teacher is asked again" in caplog.text) == (damage != "gone")


@pytest.mark.parametrize("changed", ["weights", "classes"])
def test_a_run_does_not_go_on_with_another_teacher(
    tiny_run, teacher, monkeypatch, changed
):
    run_until(monkeypatch, 1, lambda: tiny_run("run", teacher=str(teacher), **SHORT))
    if changed == "weights":
        path = teacher / "best.weights.h5"
        with h5py.File(path, "r+") as file:
            file["layers/dense/vars/0"][...] *= 2
    else:
        path = teacher / "labels.txt"
        path.write_text("c\nb\na\n")
    with pytest.raises(errors.RunDirError, match=r"--teacher=.*has changed since the"):
        tiny_run("run", teacher=str(teacher), **SHORT)
    with pytest.raises(errors.RunDirError, match=r"--teacher: .* -> none"):
        tiny_run("run", **SHORT)


def test_a_teacher_may_be_moved_and_evaluated_meanwhile(tiny_run, teacher, monkeypatch):
    whole = tiny_run("whole", teacher=str(teacher), **SHORT)
    run_until(monkeypatch, 1, lambda: tiny_run("run", teacher=str(teacher), **SHORT))
    moved = teacher.rename(teacher.with_name("moved"))
    (moved / "evaluation.json").write_text("{}")
    assert _same(whole, tiny_run("run", teacher=str(moved), **SHORT))


def test_classes_in_another_order_are_put_right(tiny_run, teacher, asked):
    before = tiny_run("before", teacher=str(teacher), **SHORT)
    order = [2, 0, 1]
    names = (teacher / "labels.txt").read_text().split()
    (teacher / "labels.txt").write_text("".join(f"{names[i]}\n" for i in order))
    with h5py.File(teacher / "best.weights.h5", "r+") as file:
        for variable in file["layers/dense/vars"].values():
            variable[...] = variable[...][..., order]
    after = tiny_run("after", teacher=str(teacher), **SHORT)
    first, second = asked
    np.testing.assert_allclose(first.logits, second.logits, rtol=1e-5, atol=1e-5)
    assert second.figures == pytest.approx(first.figures, rel=1e-5)
    assert after.val_loss == pytest.approx(before.val_loss, rel=1e-3)


def test_examples_that_the_teacher_has_trained_on_are_counted(
    tiny_run, teacher, caplog
):
    tiny_run("fair", teacher=str(teacher), **SHORT)
    assert "has trained on" not in caplog.text
    path = teacher / "split.csv"
    rows = list(csv.reader(io.StringIO(path.read_text())))
    moved = [[name, label, "train"] for name, label, _ in rows[1:]]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([rows[0], *moved])
    tiny_run("leaky", teacher=str(teacher), **SHORT)
    assert "has trained on 37 of the 37 validation examples" in caplog.text
    assert "has trained on 11 of the 11 test examples" in caplog.text


def test_a_run_says_who_taught_it(tiny_run, teacher, asked, monkeypatch):
    said = []
    monkeypatch.setattr(SilentReporter, "say", lambda self, text: said.append(text))
    result = tiny_run("student", teacher=str(teacher), **SHORT)
    figures = asked[0].figures
    assert (
        f"--teacher={teacher} was asked once about 70 training examples (accuracy "
        f"{figures['accuracy']:.4f}) and 37 validation examples (accuracy "
        f"{figures['val_accuracy']:.4f})."
    ) in said
    content = json.loads((result.run_dir / "result.json").read_text())
    assert content["teacher"] == {"run_dir": str(teacher), **asked[0].figures}
    assert result.teacher == content["teacher"]
    assert result.startup_seconds["teacher"] > 0
    alone = tiny_run("alone", **SHORT)
    assert "teacher" not in json.loads((alone.run_dir / "result.json").read_text())
