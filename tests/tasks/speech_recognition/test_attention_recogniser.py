"""The whole way of a transcript through a small Whisper in a folder."""

import dataclasses
import functools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.backbones.audio import speech_backbone
from kft.config import SpeechRecognitionConfig
from kft.data import sample
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.model import split
from kft.tasks.speech_recognition.attention_network import TOKENS, WINDOW_ROWS
from kft.training import preflight
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, task_runs

pytest.importorskip("jiwer", reason="needs the extra audio")
sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")
tiny_whisper = pytest.importorskip("tests.tiny_whisper", reason="needs the extra text")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whisper")
    spoken_letters.write_table(path / "data", count=16)
    tiny_whisper.write(path / "tiny")
    return path


def _config(folder: Path, name: str, **changes: object) -> SpeechRecognitionConfig:
    settings: dict[str, object] = {
        "backbone": str(folder / "tiny"),
        "weights": "pretrained",
        "stages": "head:2@0.3,top1:2@0.1",
        "batch_size": 4,
    }
    return spoken_letters.config(folder, name, **{**settings, **changes})


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


def test_two_stages_on_stored_sounds_learn_tokens(train) -> None:
    result = train()
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.monitor == "val_wer"
    before, *epochs = result.history
    assert before.epoch == 0
    assert before.validation["loss"] > 1.4 * min(e.validation["loss"] for e in epochs)
    assert epochs[0].train["loss"] > 1.6 * epochs[-1].train["loss"]


@pytest.mark.slow
def test_stored_sounds_give_the_weights_of_live_ones(train) -> None:
    cached, live = train(), train(feature_cache="off")
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-4)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(folder: Path) -> None:
    config = _config(folder, "killed", augment="gain,noise")
    whole = fine_tune(
        dataclasses.replace(config, run_dir=str(folder / "whole")),
        reporter=SilentReporter(),
    )
    task_runs.assert_goes_on(config, whole.run_dir)


def test_a_run_and_its_export_write_the_same(train, folder, tmp_path, capsys) -> None:
    run_dir = train().run_dir
    for number in range(3):
        (tmp_path / f"{number}.wav").write_bytes(
            (folder / f"data/{number}.wav").read_bytes()
        )
    (tmp_path / "3.wav").write_bytes(b"these are words")
    # Neither needs the folder that the run began with.
    away = shutil.move(folder / "tiny", tmp_path / "away")
    try:
        assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
        certificate = json.loads((run_dir / "export/parity.json").read_text())
        assert certificate["saved_model"]["passed"]
        capsys.readouterr()
        found = []
        for what in (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model"):
            with pytest.raises(SystemExit, match="1 of 4 files"):
                kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
            lines = [*map(json.loads, capsys.readouterr().out.splitlines())]
            assert [bool(one.get("error")) for one in lines] == [False] * 3 + [True]
            found.append([one["text"] for one in lines])
    finally:
        shutil.move(away, folder / "tiny")
    assert found[0] == found[1]
    assert any(found[0])


def test_a_format_that_has_no_loops_is_refused(train, capsys) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs the extra litert")
    command = ["export", f"--run_dir={train().run_dir}", "--formats=litert"]
    assert kft_main.dispatch(command) == 2
    assert "not litert, for it goes on" in capsys.readouterr().err


def test_the_figures_of_a_run_are_those_of_its_evaluation(train) -> None:
    run_dir = train().run_dir
    assert kft_main.dispatch(["evaluate", f"--run_dir={run_dir}"]) == 0
    found = json.loads((run_dir / "evaluation.json").read_text())
    for name in ("wer", "cer", "loss", "silent"):
        assert found[name] == pytest.approx(train().validation[name], rel=1e-4)
    assert kft_main.dispatch(["report", f"--run_dir={run_dir}"]) == 0
    page = (run_dir / "report.html").read_text()
    assert "word error rate" in page and "said: " in page


def test_a_sound_is_read_with_its_text(folder: Path) -> None:
    config = _config(folder, "inputs")
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    ready = task.inputs.prepare(sample.spread(splits.train, 3), training=False)
    loaded = sample.load(ready, task.inputs.preprocess(training=False))
    batch = sample.stack(loaded, task.inputs.spec, task.inputs.boundaries)
    assert batch["rows"].shape == (3, WINDOW_ROWS, 320)
    begin = [tiny_whisper.START, tiny_whisper.NO_TIMES]
    for row, one in enumerate(loaded):
        assert one[TOKENS][:2].tolist() == begin
        assert one[TOKENS][-1] == tiny_whisper.END
        assert len(one[TOKENS]) == ready.lengths[row] == batch["token_mask"][row].sum()
    # Sounds that are only asked about.
    asked = dataclasses.replace(
        sample.spread(splits.train, 1), labels=np.zeros([1], np.int32)
    )
    (alone,) = sample.load(
        task.inputs.prepare(asked, training=False),
        task.inputs.preprocess(training=False),
    )
    assert alone[TOKENS].tolist() == begin


def test_a_text_with_too_many_tokens_is_named(folder: Path) -> None:
    config = _config(folder, "long")
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    one = sample.spread(splits.train, 1)
    long = dataclasses.replace(one, labels=Ragged.from_rows([np.zeros(60, np.int32)]))
    with pytest.raises(errors.DataError, match=r"wav: expected .* at most 23 tokens"):
        task.inputs.prepare(long, training=False)


def test_a_text_is_compared_as_the_texts_of_the_data_are_written(folder: Path) -> None:
    config = _config(folder, "compared")
    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    said = tiny_whisper.tokenizer().encode(" A, b!").ids
    row = np.full([1, 1 + 24], tiny_whisper.END, np.float32)
    row[0, 0], row[0, 1 : 1 + len(said)] = 3.0, said
    targets = tf.constant([[task.labels.index(sign) for sign in "ab"]])
    totals = task.objective.totals(targets, tf.constant(row), training=False)
    figures = task.objective.figures({n: float(v[0]) for n, v in totals.items()})
    # "a b" for "ab".
    assert figures == {"loss": 1.5, "wer": 2.0, "cer": 0.5, "silent": 0.0}
    assert task.objective.losses(targets, tf.constant(row)).numpy() == [1.5]
    answer = task.serving.answer({TOKENS: row[0, 1:]}, top_k=1, payload=b"")
    assert answer == {"text": "A, b!"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"beam_width": 4}, "--beam_width=4: .* writes words"),
        ({"drop_source_layers": 1}, "--drop_source_layers=1: .* spell by CTC"),
        ({"export": ("litert",)}, "--export=litert: .* writes in a loop"),
        ({"seconds": 31.0}, "--seconds=31: .* at most 30 seconds"),
        ({"language": "de"}, "--language=de: .* one language"),
        ({"backbone": "HamaConformer", "language": "de"}, "expected a Whisper"),
        ({"backbone": "Whisper"}, "there is no 'Whisper'|received 'Whisper'"),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused_before_it_starts(
    folder: Path, changes: dict[str, object], told: str
) -> None:
    config = _config(folder, "refused", **changes)
    with pytest.raises(errors.ConfigError, match=told):
        preflight.check_options(config)


def test_a_network_of_many_languages_needs_one(folder: Path, tmp_path: Path) -> None:
    many = tiny_whisper.write(tmp_path / "many")
    content = {**tiny_whisper.config(), "vocab_size": 51_865}
    (many / "config.json").write_text(json.dumps(content))
    config = _config(folder, "many", backbone=str(many))
    with pytest.raises(errors.ConfigError, match="expected --language"):
        tasks.kind(config.task).check(config)
    tasks.kind(config.task).check(dataclasses.replace(config, language="en"))


def test_the_table_says_what_the_network_is(folder: Path) -> None:
    config = _config(folder, "table")
    backbone = speech_backbone.get(config.backbone)
    network = tasks.get(config, LabelMap(("a", "b"))).network("none")
    assert not network.head_is_pretrained
    assert tuple(network.anchors) == backbone.blocks.names
    head = split.split_at(network.model, network.head_anchor).tail
    parameters = network.model.count_params() - head.count_params()
    assert parameters == backbone.parameters
    for anchor in network.anchors.values():
        assert split.split_at(network.model, anchor).trunk.outputs
