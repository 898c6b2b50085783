"""The whole way of a text: a table, two stages on a stored trunk, files, exports."""

import csv
import dataclasses
import functools
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.config import TextClassificationConfig
from kft.data import sample
from kft.data.labels import LabelMap
from kft.tasks.text_classification.text_inputs import TextInputs
from tests import kept_weights, task_runs, tiny_bert
from tests.training.workers import conftest as processes

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

MAX_LENGTH = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts")
    tiny_bert.write(path / "bert")
    rng = np.random.default_rng(0)
    with (path / "texts.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for number in range(160):
            label = ("good", "bad")[number % 2]
            others = rng.choice(["a", "b", "c", "the", "film"], rng.integers(1, 7))
            words = [*others, *[label] * rng.integers(3, 9)]
            rng.shuffle(words)
            # Every eighth is longer than what is read of it.
            rest = ["very"] * (20 if number % 8 > 5 else 0)
            table.writerow([" ".join([*words, *rest]), label])
    return path


def _config(folder: Path, name: str, **changes: object) -> TextClassificationConfig:
    config = TextClassificationConfig(
        dataset=f"csv:{folder / 'texts.csv'}",
        backbone=str(folder / "bert"),
        run_dir=str(folder / name),
        stages="head:8@0.1,top2:8@0.1",
        max_length=MAX_LENGTH,
        batch_size=8,
        clip_norm=1.0,
        export=(),
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


def test_two_stages_on_a_stored_trunk_learn_the_words(train) -> None:
    result = train()
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.validation["accuracy"] >= 0.9


@pytest.mark.slow
def test_a_stored_trunk_gives_the_weights_of_a_live_one(train) -> None:
    # Dropout draws other numbers where the layers of a graph are other ones.
    stages = "head:1@0.1"
    cached = train(stages=stages)
    live = train(stages=stages, feature_cache="off")
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


# Both parts of a run: stored features of two cuts, and layers with dropout.
TWO_STAGES = "head:2@0.1,top2:3@0.1"


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(train, folder: Path) -> None:
    config = _config(folder, "killed", stages=TWO_STAGES)
    task_runs.assert_goes_on(config, train(stages=TWO_STAGES).run_dir)


@pytest.mark.integration
def test_two_processes_give_what_one_gives(train, folder: Path) -> None:
    # Dropout draws other numbers on two devices.
    stages = "head:3@0.1"
    alone = train(stages=stages, dropout=0.0)
    port = processes.free_ports(2)[0]
    started = []
    for worker in range(2):
        config = _config(folder, f"worker-{worker}", stages=stages)
        flags = task_runs.command(
            config,
            *(f"--coordinator=127.0.0.1:{port}", "--num_workers=2"),
            f"--worker_index={worker}",
        )
        output = folder / f"worker-{worker}.txt"
        started.append(processes.start(flags, {}, output))
    assert processes.finish(started, processes.TIMEOUT) == [0, 0]
    kept_weights.assert_close(folder / "worker-0", alone.run_dir, atol=1e-5)


def test_files_and_an_export_alone_are_answered(train, tmp_path, capsys) -> None:
    run_dir = train().run_dir
    (tmp_path / "a.txt").write_text("good the good a good good")
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbf" + b"bad " * 50)
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    (tmp_path / "d.txt").write_text(" \n")
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    assert certificate["saved_model"]["largest_difference"] < 1e-5
    capsys.readouterr()
    asked = (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model")
    for what in asked:
        with pytest.raises(SystemExit, match="2 of 4 files"):
            kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        labels = [
            (one["predictions"] or [{"label": None}])[0]["label"] for one in lines
        ]
        assert labels == ["good", "bad", None, None]
        assert all(one["error"] for one in lines[2:])


@pytest.mark.slow
def test_a_run_needs_neither_its_backbone_nor_its_texts(
    train, folder, tmp_path, capsys, monkeypatch
) -> None:
    others = shutil.ignore_patterns("export", "evaluation.json")
    shutil.copytree(train().run_dir, tmp_path / "run", ignore=others)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("good the good a good good")
    hidden = folder.rename(folder.with_name("hidden"))
    try:
        assert kft_main.dispatch(["predict", "--run_dir=run", "a.txt"]) == 0
        assert "good" in capsys.readouterr().out
        assert kft_main.dispatch(["export", "run", "--out=out"]) == 0
        assert "made up" in capsys.readouterr().out
        data = f"--data=csv:{hidden / 'texts.csv'}"
        assert kft_main.dispatch(["evaluate", "run", data, "--out=out"]) == 0
    finally:
        hidden.rename(folder)
    certificate = json.loads(Path("out/export/parity.json").read_text())["saved_model"]
    assert certificate["passed"]
    assert certificate["examples_from"] == "made up"
    assert certificate["accuracy"] is None
    assert "made up" in Path("out/export/README.md").read_text()
    evaluation = json.loads(Path("out/evaluation.json").read_text())
    # The data of the run at another place: its own split, under its own name.
    assert evaluation["split"] == "validation"
    assert evaluation["data"] == f"csv:{folder / 'texts.csv'}"
    assert evaluation["accuracy"] == train().validation["accuracy"]
    assert not Path("run/export").exists()
    assert not Path("run/evaluation.json").exists()


def test_rows_and_lines_are_answered_in_every_format(
    train, tmp_path, capsys, monkeypatch
) -> None:
    run_dir = train().run_dir
    if not (run_dir / "export/saved_model").exists():
        kft_main.dispatch(["export", f"--run_dir={run_dir}"])
    (tmp_path / "a.csv").write_text(
        "n,text\n1,good good a good\n2, \n3,bad bad bad bad\n"
    )
    for what in (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model"):
        lines = io.TextIOWrapper(io.BytesIO(b"bad bad bad\nthe good good good\n"))
        monkeypatch.setattr("sys.stdin", lines)
        capsys.readouterr()
        with pytest.raises(SystemExit, match="1 of 5 files"):
            arguments = [what, "--format=csv", "-", str(tmp_path / "a.csv")]
            kft_main.dispatch(["predict", *arguments])
        rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
        files = [row["file"].rsplit("/")[-1] for row in rows]
        assert files == ["-:1", "-:2", "a.csv:2", "a.csv:3", "a.csv:4"]
        labels = [row["label_1"] for row in rows]
        assert labels == ["bad", "good", "good", "", "bad"]
        assert [bool(row["error"]) for row in rows] == [False] * 3 + [True, False]


def test_a_saved_model_takes_texts_and_needs_tensorflow_alone(train) -> None:
    run_dir = train().run_dir
    if not (run_dir / "export/saved_model").exists():
        kft_main.dispatch(["export", f"--run_dir={run_dir}"])
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(run_dir / 'export/saved_model/1')!r})\n"
        "answer = model.signatures['serving_default'](\n"
        "    text=tf.constant(['good good good', 'bad bad bad', '', b'\\xff bad']))\n"
        "print(*answer['class_name'].numpy(), *answer['valid'].numpy())\n"
        "assert not {'tokenizers', 'kft'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == (
        ["b'good'", "b'bad'", "b''", "b''", "True", "True", "False", "False"]
    )


def test_a_report_shows_texts_escaped(train, folder: Path) -> None:
    run_dir = train().run_dir
    assert kft_main.dispatch(["report", f"--run_dir={run_dir}"]) == 0
    page = (run_dir / "report.html").read_text()
    assert '<p dir="auto" style' in page
    assert "gradient x input of its likeliest class" in page
    assert "Share of examples by length" in page
    assert page.count('aria-hidden="true" style') > 5


def test_a_preview_is_an_image(train, folder: Path) -> None:
    from PIL import Image

    labels = LabelMap(("bad", "good"))
    task = tasks.get(_config(folder, "preview"), labels)
    ids = np.array([2, 4, 5, 3, 0], np.int32)
    one = {"token_ids": ids, "mask": (ids > 0).astype(np.int32)}
    (folder / "preview.png").write_bytes(task.display.preview([one, one], ["a", "b"]))
    with Image.open(folder / "preview.png") as image:
        assert image.format == "PNG"
    shown = task.display.example_html(b"<script>&", one)
    assert shown.startswith('<p dir="auto" style=')
    assert shown.endswith(">&lt;script&gt;&amp;</p>")


def test_texts_are_tokenised_once_and_cut_at_the_longest(folder: Path) -> None:
    config = _config(folder, "inputs")
    splits = tasks.load_splits(config)
    inputs = tasks.get(config, splits.labels).inputs
    prepared = inputs.prepare(splits.train, training=True)
    assert prepared.lengths.max() == MAX_LENGTH == inputs.boundaries[-1]
    assert list(inputs.boundaries) == [16, 24]
    chosen = sample.spread(prepared, 20)
    loaded = sample.load(chosen, inputs.preprocess(training=False))
    for one, length in zip(loaded, chosen.lengths, strict=True):
        assert one["mask"].tolist() == [1] * length
        tokens = [tiny_bert.WORDS[number] for number in one["token_ids"]]
        assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    texts = splits.train.take(np.arange(20))
    payload = texts.read(tf.constant(texts.rows))[3].numpy().decode()
    ids = sample.load(
        inputs.prepare(texts, training=True), inputs.preprocess(training=True)
    )[3]
    words = [tiny_bert.WORDS[number] for number in ids["token_ids"][1:-1]]
    assert words == payload.split()[: MAX_LENGTH - 2]


@pytest.mark.parametrize("payload", [b"caf\xe9", "\u200b\x01".encode()], ids=str)
def test_a_text_that_cannot_be_read_is_named(folder: Path, payload: bytes) -> None:
    config = _config(folder, "inputs")
    splits = tasks.load_splits(config)
    inputs: TextInputs = tasks.get(config, splits.labels).inputs
    bad = dataclasses.replace(
        splits.train.take(np.arange(1)), read=lambda rows: tf.constant([payload])
    )
    with pytest.raises(errors.DataError, match=f"Example {bad.ids[0]}: expected"):
        inputs.prepare(bad, training=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_length": 49}, "reads at most 48 tokens, received 49"),
        ({"backbone": "MiniLM-L7"}, "Did you mean MiniLM-L6"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused_before_it_starts(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    config = _config(folder, "refused", **changes)
    with pytest.raises(errors.ConfigError, match=message):
        tasks.kind(config.task).check(config)


def test_a_missing_package_is_named_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = _config(folder, "missing")
    with pytest.raises(
        errors.ConfigError, match=r"tokenizers.*pip install 'kft-keras\[text"
    ):
        tasks.kind(config.task).check(config)
