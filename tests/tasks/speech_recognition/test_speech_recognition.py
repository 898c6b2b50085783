"""The whole way of a transcript: files, two stages on a stored trunk, answers."""

import csv
import dataclasses
import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.backbones.audio import conformer_weights
from kft.data import sample
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from kft.tasks.speech_recognition import speech_network
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, task_runs

pytest.importorskip("jiwer", reason="needs the extra audio")
sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)


# At these a network of random weights learns to spell, whatever seed and machine.
SPELLING = {"stages": "head:60@1e-1,top1:2@1e-3", "optimizer": "adamw"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech")
    spoken_letters.write_table(path / "data")
    return path


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(spoken_letters.config, folder))


def test_two_stages_on_a_stored_trunk_learn_to_spell(train) -> None:
    result = train(**SPELLING)
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.monitor == "val_cer"
    assert result.validation["cer"] < 0.5
    lines = (result.run_dir / "metrics.jsonl").read_text().splitlines()
    assert {"val_wer", "val_cer", "val_silent", "val_loss"} <= set(json.loads(lines[0]))


@pytest.mark.slow
def test_a_stored_trunk_gives_the_weights_of_a_live_one(train) -> None:
    cached, live = train(), train(feature_cache="off")
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.slow
def test_stored_views_of_other_speeds_give_the_weights_of_a_live_trunk(train) -> None:
    # With several boundaries: a sound has as many steps as its slowest view.
    plan = {"stages": "head:2@0.1", "seconds": 1.2, "augment": "speed@0.25"}
    stored = train(cached_views=2, feature_cache="memory", **plan)
    live = train(**plan)
    assert [stored.stages[0].cached, live.stages[0].cached] == [True, False]
    kept_weights.assert_close(stored.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(folder: Path) -> None:
    config = spoken_letters.config(
        folder, "killed", augment="speed,gain,noise,specaugment"
    )
    whole = fine_tune(
        dataclasses.replace(config, run_dir=str(folder / "whole")),
        reporter=SilentReporter(),
    )
    task_runs.assert_goes_on(config, whole.run_dir)


@pytest.mark.integration
def test_two_devices_give_what_one_gives(train, folder: Path) -> None:
    # Few steps at low rates: of many, rounding makes other weights.
    stages = "head:2@1e-2,top1:1@1e-3"
    alone = train(stages=stages)
    command = [sys.executable, *task_runs.command(spoken_letters.config(folder, "two"))]
    command += [f"--stages={stages}", "--devices=cpu:2"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    kept_weights.assert_close(folder / "two", alone.run_dir, atol=1e-5)


def test_files_and_an_export_alone_are_answered(train, tmp_path, capsys) -> None:
    run_dir = train(**SPELLING).run_dir
    (tmp_path / "a.wav").write_bytes(
        sounds.encoded(spoken_letters.spoken("ab"), subtype="PCM_24")
    )
    fast = spoken_letters.spoken("ab", rate=44_100)
    stereo = sounds.encoded(np.stack([fast, fast], axis=1), rate=44_100)
    (tmp_path / "b.wav").write_bytes(stereo)
    (tmp_path / "c.wav").write_bytes(b"these are words")
    (tmp_path / "d.wav").write_bytes(sounds.encoded(sounds.tone(300, 2.0)))
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    capsys.readouterr()
    texts, problems = [], []
    for what in (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model"):
        with pytest.raises(SystemExit, match="2 of 4 files"):
            kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [bool(one.get("error")) for one in lines] == [False, False, True, True]
        texts.append([one["text"] for one in lines])
        problems.append(lines[3]["error"])
    assert texts[0] == texts[1]
    assert "longer than --seconds=0.9" in problems[0]
    assert set(texts[0][0]) <= set("abc") and texts[0][0]


def test_a_saved_model_takes_wav_files_and_needs_tensorflow_alone(train) -> None:
    run_dir = train(**SPELLING).run_dir
    if not (run_dir / "export/saved_model").exists():
        kft_main.dispatch(["export", f"--run_dir={run_dir}"])
    path = run_dir.parent / "data/3.wav"
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(run_dir / 'export/saved_model/1')!r})\n"
        f"wav = open({str(path)!r}, 'rb').read()\n"
        "answer = model.signatures['serving_default'](\n"
        "    wav_bytes=tf.constant([b'words', wav, wav + wav]))\n"
        "print(*answer['text'].numpy(), *answer['valid'].numpy())\n"
        "assert not {'soundfile', 'soxr', 'kft', 'jiwer'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    first, second, third, *valid = done.stdout.split()
    run = load_run.load(str(run_dir))
    rows = run.task.inputs.preprocess(training=False)(
        tf.constant(path.read_bytes()), tf.zeros([2], tf.int64)
    )
    logits = run.network.model(tf.nest.map_structure(lambda x: x[None], rows))
    said = run.task.serving.answer(
        {"probabilities": logits[0].numpy()}, top_k=1, payload=b""
    )
    assert (first, second, third) == ("b''", f"b'{said['text']}'", second)
    assert valid == ["False", "True", "True"]


def test_the_report_shows_errors_and_evaluation_lengths(train) -> None:
    run_dir = train(**SPELLING).run_dir
    assert kft_main.dispatch(["evaluate", f"--run_dir={run_dir}"]) == 0
    found = json.loads((run_dir / "evaluation.json").read_text())
    assert {"wer", "cer", "silent", "lengths", "words"} <= set(found)
    assert found["cer"] == pytest.approx(train(**SPELLING).validation["cer"])
    assert kft_main.dispatch(["report", f"--run_dir={run_dir}"]) == 0
    page = (run_dir / "report.html").read_text()
    assert "character error rate" in page and "<audio controls" in page
    assert "said: " in page


def test_what_fills_up_a_batch_changes_nothing(folder: Path) -> None:
    config = spoken_letters.config(folder, "padding", seconds=2.0)
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    ready = task.inputs.prepare(sample.spread(splits.train, 3), training=False)
    loaded = sample.load(ready, task.inputs.preprocess(training=False))
    assert [len(one["mask"]) for one in loaded] == ready.lengths.tolist()
    network = task.network().model
    batch = sample.stack(loaded, task.inputs.spec, task.inputs.boundaries)
    batch["rows"][batch["mask"] == 0] = 0.7
    together = network(batch).numpy()
    for row, one in enumerate(loaded):
        alone = network(tf.nest.map_structure(lambda x: x[None], one)).numpy()[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=1e-4)
        assert not together[row, len(alone) :].any()


def test_the_new_head_keeps_the_rows_of_what_it_shares(folder: Path) -> None:
    symbols = LabelMap(("<space>", "a", "'"))
    network = speech_network.build(
        spoken_letters.config(folder, "head"), symbols=symbols, weights="none"
    )
    layer = network.model.get_layer("symbol_logits")
    before = layer.get_weights()[0]
    rng = np.random.default_rng(0)
    stored = {
        "acoustic_model.model.proj.weight": rng.normal(size=(191, 144, 1)),
        "acoustic_model.model.proj.bias": rng.normal(size=191),
    }
    stored = {name: array.astype(np.float32) for name, array in stored.items()}
    published = conformer_weights.head(stored)
    speech_network.set_head(network.model, published, symbols)
    kernel, bias = layer.get_weights()
    for own, place in ((0, 189), (1, 7), (3, 190)):
        np.testing.assert_array_equal(kernel[:, own], published.kernel[:, place])
        assert bias[own] == published.bias[place]
    np.testing.assert_array_equal(kernel[:, 2], before[:, 2])


def _table(folder: Path, rows: list[tuple[str, str]]) -> str:
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "text"), *rows])
    return f"csv:{folder / 't.csv'}"


def test_a_text_longer_than_its_sound_is_named_before_training(
    folder: Path, tmp_path: Path
) -> None:
    rows = []
    for number in range(8):
        (tmp_path / f"{number}.wav").write_bytes(
            sounds.encoded(spoken_letters.spoken("ab"))
        )
        rows.append((f"{number}.wav", "ab"))
    # A blank has to stand between letters that are alike.
    rows[3] = ("3.wav", "a" * 14)
    config = spoken_letters.config(folder, "long", dataset=_table(tmp_path, rows))
    with pytest.raises(
        errors.DataError, match=r"3\.wav \(14 characters need 27 steps, there are 26\)"
    ):
        fine_tune(config, reporter=SilentReporter())


def test_training_sounds_have_the_length_of_their_slowest_version(
    folder: Path,
) -> None:
    config = spoken_letters.config(folder, "slow", augment="speed@0.25")
    splits = tasks.load_splits(config)
    inputs = tasks.get(config, splits.labels).inputs
    chosen = sample.spread(splits.train, 4)
    real = inputs.prepare(chosen, training=False).lengths
    ready = inputs.prepare(chosen, training=True)
    np.testing.assert_array_equal(ready.lengths, np.rint(real / 0.75).clip(max=45))
    read, heard = inputs.preprocess(training=True), []
    for number in range(6):
        keys = np.full([4, 2], number, np.int64)
        loaded = sample.load(ready, read, keys=keys)
        again = sample.load(ready, read, keys=keys)
        for one, other in zip(loaded, again, strict=True):
            np.testing.assert_array_equal(one["rows"], other["rows"])
        heard.append([one["mask"].sum() for one in loaded])
    assert (np.array(heard) <= ready.lengths).all()
    assert (np.array(heard) >= np.rint(real / 1.25)).all()
    assert (np.ptp(heard, axis=0) > 3).all()
    plain = sample.load(ready, inputs.preprocess(training=False))
    assert [len(one["mask"]) for one in plain] == real.tolist()


def test_a_text_has_to_fit_its_sound_at_the_highest_speed_too(
    folder: Path, tmp_path: Path
) -> None:
    rows = [(f"{number}.wav", "abcabcabcabcabcabcabcab") for number in range(8)]
    for name, _ in rows:
        (tmp_path / name).write_bytes(sounds.encoded(spoken_letters.spoken("ab")))
    config = spoken_letters.config(
        folder, "fast", dataset=_table(tmp_path, rows), augment="speed@0.25"
    )
    splits = tasks.load_splits(config)
    inputs = tasks.get(config, splits.labels).inputs
    # 26 steps as it is said; 21 where it is said a quarter faster.
    assert inputs.prepare(splits.train, training=False).lengths.tolist()[0] == 26
    with pytest.raises(
        errors.DataError,
        match=r"at the highest speed of --augment: .*23 steps, there are 21.*speed@",
    ):
        inputs.prepare(splits.train, training=True)


def test_a_bad_sound_is_named_or_skipped(folder: Path, tmp_path: Path) -> None:
    table = spoken_letters.write_table(tmp_path / "data", count=24)
    (table.parent / "5.wav").write_bytes(b"these are words")
    (table.parent / "6.wav").write_bytes(sounds.encoded(sounds.tone(300, 3.0)))
    changes = {"dataset": f"csv:{table}", "stages": "head:1@0.1"}
    config = spoken_letters.config(folder, "bad", **changes)
    with pytest.raises(errors.DataError, match=r"5.wav cannot be read: it cannot be"):
        fine_tune(config, reporter=SilentReporter())
    skips = {"on_bad_audio": "skip", "max_bad_fraction": 0.2}
    skipping = dataclasses.replace(config, run_dir=str(folder / "skips"), **skips)
    result = fine_tune(skipping, reporter=SilentReporter())
    named = (result.run_dir / "bad_images.csv").read_text()
    assert "5.wav" in named and "6.wav" in named


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "HamaConformr"}, "Did you mean HamaConformer"),
        ({"augment": "shift"}, "--augment: expected names .* received 'shift'"),
        ({"weights": "imagenet"}, "--weights: expected pretrained, .* or none"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused_before_it_starts(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    config = spoken_letters.config(folder, "refused", **changes)
    with pytest.raises(errors.ConfigError, match=message):
        tasks.kind(config.task).check(config)


def test_a_missing_package_is_named_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = spoken_letters.config(folder, "missing")
    with pytest.raises(
        errors.ConfigError, match=r"jiwer.*pip install 'kft-keras\[audio"
    ):
        tasks.kind(config.task).check(config)
