"""The whole way of tagged words: files, two stages on a stored trunk, exports."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kft import __main__ as kft_main
from kft import tasks
from kft.config import TokenClassificationConfig
from kft.data import sample
from kft.data.labels import LabelMap
from kft.run_folder.run_result import RunResult
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

MAX_LENGTH = 20
TAGS = ("O", "B-food", "I-food", "B-show", "I-show")
PHRASES = ("a O", "b O", "the O", "cafe B-food", "good B-show\nfilm I-show")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words")
    # Random layers forget the words unless they add little to them.
    weights = {
        name: value * (0.2 if name.endswith("dense.weight") else 1.0)
        for name, value in tiny_bert.tensors().items()
    }
    tiny_bert.write(path / "bert", weights=weights)
    rng = np.random.default_rng(0)
    lines = []
    for number in range(120):
        # Every sixth is longer than what is read of it.
        count = 24 if number % 6 == 5 else rng.integers(2, 8)
        lines += rng.choice(PHRASES, count).tolist()
        lines.append("")
    (path / "train.conll").write_text("\n".join(lines))
    return path


def _config(folder: Path, name: str, **changes: object) -> TokenClassificationConfig:
    config = TokenClassificationConfig(
        dataset=f"conll:{folder / 'train.conll'}",
        backbone=str(folder / "bert"),
        run_dir=str(folder / name),
        stages="head:4@0.3,top1:2@0.1",
        max_length=MAX_LENGTH,
        batch_size=8,
        clip_norm=1.0,
        export=(),
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def result(folder: Path) -> RunResult:
    return fine_tune(_config(folder, "run"), reporter=SilentReporter())


def test_two_stages_on_a_stored_trunk_learn_entities_and_f1_chooses(result) -> None:
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.monitor == "val_f1"
    # Some entities of long texts are cut off.
    assert 0.8 < result.monitored < 0.97


def test_an_evaluation_has_the_figures_of_training_and_errors_by_kind(
    result, capsys
) -> None:
    assert kft_main.dispatch(["evaluate", f"--run_dir={result.run_dir}"]) == 0
    assert "F1 of entities" in capsys.readouterr().out
    written = json.loads((result.run_dir / "evaluation.json").read_text())
    for name in ("f1", "precision", "recall", "word_accuracy", "loss"):
        assert written[name] == pytest.approx(result.validation[name], abs=1e-5)
    assert written["cut_words"] > 0
    assert written["missed"] > 0
    assert written["entities"] == sum(one["examples"] for one in written["types"])


def test_files_and_an_export_alone_are_answered(result, tmp_path, capsys) -> None:
    run_dir = result.run_dir
    (tmp_path / "a.txt").write_text("the caf\u00e9, cafe the")
    (tmp_path / "b.txt").write_text("a " * 40)
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    assert certificate["saved_model"]["largest_difference"] < 1e-5
    capsys.readouterr()
    answers = []
    for what in (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model"):
        with pytest.raises(SystemExit, match="1 of 3 files"):
            kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        answers.append(lines)
        found, cut, bad = lines
        places = [(one["text"], one["begin"], one["end"]) for one in found["entities"]]
        assert places == [("caf\u00e9", 4, 8), ("cafe", 10, 14)]
        assert found["unread"] == []
        assert cut["unread"] == [{"begin": 36, "end": 79}]
        assert bad["error"]
    assert answers[0][0]["entities"][0]["probability"] == pytest.approx(
        answers[1][0]["entities"][0]["probability"], abs=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_formats_without_strings_take_tokens(result, name: str) -> None:
    pytest.importorskip("ai_edge_litert" if name == "litert" else "onnxruntime")
    run_dir = result.run_dir
    command = ["export", f"--run_dir={run_dir}", f"--formats={name}"]
    assert kft_main.dispatch(command) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())[name]
    assert certificate["passed"]
    assert certificate["largest_difference"] < 1e-5


def test_a_saved_model_gives_words_tags_and_places(result) -> None:
    run_dir = result.run_dir
    if not (run_dir / "export/saved_model").exists():
        kft_main.dispatch(["export", f"--run_dir={run_dir}"])
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(run_dir / 'export/saved_model/1')!r})\n"
        "answer = model.signatures['serving_default'](\n"
        "    text=tf.constant(['the cafe\\ta b', '', b'\\xff cafe']))\n"
        "for name in ('words', 'tags', 'begins', 'ends', 'valid'):\n"
        "    print(answer[name].numpy().tolist())\n"
        "assert not {'tokenizers', 'kft'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        str([[b"the", b"cafe", b"a", b"b"], [b""] * 4, [b""] * 4]),
        str([[b"O", b"B-food", b"O", b"O"], [b""] * 4, [b""] * 4]),
        str([[0, 4, 9, 11], [0] * 4, [0] * 4]),
        str([[3, 8, 10, 12], [0] * 4, [0] * 4]),
        str([True, False, False]),
    ]


def test_what_stands_in_the_padding_reaches_no_result(folder: Path) -> None:
    task = tasks.get(_config(folder, "padding", dropout=0.0), LabelMap(TAGS))
    splits = tasks.load_splits(_config(folder, "padding"))
    chosen = task.inputs.prepare(splits.train.take(np.arange(4)), training=False)
    loaded = sample.load(chosen, task.inputs.preprocess(training=False))
    inputs = sample.stack(loaded, task.inputs.spec, (24,))
    # Where words were cut there are more of them than tokens.
    targets = chosen.labels.padded(np.arange(4), 40, fill=-1)
    model = task.network().model
    is_token = inputs["mask"] > 0
    garbage = {**inputs, "token_ids": np.where(is_token, inputs["token_ids"], 7)}
    found = []
    for one in (inputs, garbage):
        outputs = model(one, training=False)
        assert not np.any(outputs.numpy()[inputs["first_tokens"] == 0])
        losses = task.objective.losses(targets, outputs)
        totals = task.objective.totals(targets, outputs, training=False)
        found.append((losses, *totals.values()))
    for zeros, filled in zip(*found, strict=True):
        np.testing.assert_array_equal(zeros, filled)


def test_a_report_shows_types_and_texts(result) -> None:
    assert kft_main.dispatch(["report", f"--run_dir={result.run_dir}"]) == 0
    page = (result.run_dir / "report.html").read_text()
    assert "F1 of entities" in page
    assert "wrong border: the type is right" in page
    assert "<mark>cafe</mark> <small>food</small>" in page
    assert "\x1f" not in page
