"""Answers and exports of a task that kft does not have: a class for every step."""

import collections
import json
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from kft import exporters, predict, tasks
from kft.config import PredictConfig
from kft.data import sample
from kft.exporters import model_card, parity
from kft.exporters.parity import ParityBatch, ParityReport
from kft.exporters.serving_model import ServingModel
from kft.exporters.standalone_process import StandaloneProcesses
from kft.inference import (
    answers,
    demo_server,
    file_batches,
    find_model,
    input_files,
    load_export,
    output_formats,
    predictor,
)
from kft.inference.predictor import Predictor
from tests import served_steps

PLACES = {"saved_model": "1", "litert": "model.tflite", "onnx": "model.onnx"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServingModel:
    return ServingModel(served_steps.loaded_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module", params=PLACES)
def export(
    request: pytest.FixtureRequest,
    served: ServingModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    exporter = exporters.EXPORTERS[request.param]
    for package in exporter.packages:
        pytest.importorskip(package)
    path = tmp_path_factory.mktemp(request.param) / PLACES[request.param]
    exporter.format.write(served, path, exporters.FormatOptions())
    return request.param, path


@pytest.fixture(autouse=True)
def _known_task(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = types.SimpleNamespace(module=served_steps.__name__)
    monkeypatch.setitem(tasks.TASKS, served_steps.NAME, kind)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with sequences, one that is none, and another file."""
    texts = {"a": "1,2,3,1", "b": "no numbers", "c": "5", "d": "0,1,0,1,0,1,0"}
    for name, text in texts.items():
        (tmp_path / f"{name}.steps").write_text(text)
    (tmp_path / "notes.txt").write_text("1,2")
    return tmp_path


def _certified(name: str, path: Path, questions: ParityBatch) -> ParityReport:
    with StandaloneProcesses([name]) as processes, processes.next() as process:
        return parity.certify(name, path, questions, "none", process=process)


def test_an_export_answers_as_the_network_whatever_the_padding(
    served: ServingModel, export: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "_SECONDS", 0.02)
    # More than a batch of the runner, so that batches are filled up differently.
    questions = parity.make_batch(served, served_steps.examples(40), 40)
    assert questions.scores.shape == (40, 16, 2)
    name, path = export
    report = _certified(name, path, questions)
    assert report.passed, report.problem
    assert report.top1_agreement == 1.0
    assert (report.accuracy, report.network_accuracy) == (None, None)
    assert "kft" in report.without


def test_a_wrong_step_is_found_out(
    served: ServingModel, export: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "_SECONDS", 0.02)
    questions = parity.make_batch(served, served_steps.examples(5), 5)
    questions.scores[3, 0] = questions.scores[3, 0, ::-1]
    name, path = export
    report = _certified(name, path, questions)
    assert not report.passed
    assert "sequence 3" in report.problem


def _answers(model: Predictor, folder: Path) -> list[answers.Answer]:
    files = list(input_files.find([str(folder)], model.task.serving.file_endings))
    return list(answers.predict(model, files, top_k=1, batch_size=2))


def _expected(served: ServingModel, text: str) -> list[str]:
    values = np.array([text.split(",")], np.float32)
    inputs = {"values": values, "is_real": np.ones_like(values)}
    logits = served.run.model.predict_on_batch(inputs)[0]
    return [served_steps.LABELS.names[i] for i in logits.argmax(axis=-1)]


def test_a_run_answers_every_step_of_every_file(
    served: ServingModel, folder: Path
) -> None:
    found = _answers(predictor.of_run(served.run), folder)
    assert [Path(one.file).name for one in found] == [
        *("a.steps", "b.steps", "c.steps", "d.steps")
    ]
    assert "no numbers" in found[1].error
    assert found[1].content == {"steps": None, "rising": None}
    for one in (found[0], found[2], found[3]):
        text = Path(one.file).read_text()
        assert one.content["steps"] == _expected(served, text)


def test_an_export_alone_gives_the_answers_of_its_run(
    served: ServingModel, export: tuple[str, Path], folder: Path
) -> None:
    name, path = export
    model = load_export.predictor(find_model.ModelPath(name, path))
    expected = _answers(predictor.of_run(served.run), folder)
    found = _answers(model, folder)
    assert [one.content for one in found] == [one.content for one in expected]
    assert [one.error is None for one in found] == [True, False, True, True]


def test_the_command_writes_answers_of_any_form(
    export: tuple[str, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {}
    for style in output_formats.FORMATS:
        config = PredictConfig(
            model=str(export[1]), files=(str(folder / "a.steps"),), format=style
        )
        predict.main(config)
        lines[style] = capsys.readouterr().out.splitlines()
    content = json.loads(lines["jsonl"][0])
    assert list(content) == ["file", "steps", "rising"]
    steps, rising = content["steps"], content["rising"]
    assert lines["table"][0].split("  ")[1:] == [*steps, rising]
    assert lines["csv"][0] == "file,steps,rising,error"
    assert (
        json.loads(
            lines["csv"][1].split('"', 1)[1].rsplit('"', 1)[0].replace('""', '"')
        )
        == steps
    )


def test_more_files_than_are_prepared_at_once_keep_their_order(
    served: ServingModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _answers(predictor.of_run(served.run), folder)
    monkeypatch.setattr(file_batches, "_CHUNK", 1)
    found = _answers(predictor.of_run(served.run), folder)
    assert found == expected


def test_batches_are_filled_up_as_those_of_a_run(
    served: ServingModel, folder: Path
) -> None:
    files = list(input_files.find([str(folder)], (".steps",)))
    model = predictor.of_run(served.run)
    shapes = [
        batch.inputs["values"].shape for batch in file_batches.batches(model, files, 2)
    ]
    assert shapes == [(2, 4), (2, 8)]


def test_the_page_has_a_field_for_text(served: ServingModel) -> None:
    model = predictor.of_run(served.run)
    service = demo_server.DemoService(model, view=None, top_k=1)
    page = service.page(1000).decode()
    assert "Numbers, with commas between them" in page
    assert 'accept=".steps"' in page
    answer = service.answer(b"1,2,3")
    assert answer["steps"] == _expected(served, "1,2,3")
    assert "no numbers" in service.answer(b"?")["error"]


def test_the_card_says_nothing_of_classes_of_examples(served: ServingModel) -> None:
    facts = model_card._Facts(
        served,
        text=served.run.task.serving.card(),
        result=SimpleNamespace(validation={"f1": 0.5}, test={}),
        counts={"train": collections.Counter(), "validation": collections.Counter()},
        certificates={},
    )
    text = "\n".join([*model_card._limits(facts), *model_card._figures(facts)])
    assert "rarest class" not in text
    assert "- validation f1 0.5000" in text


def test_one_input_of_calibration_has_the_names_of_the_signature(
    served: ServingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kft.exporters import serving_model

    monkeypatch.setattr(
        serving_model.run_split, "of_split", lambda run, split: served_steps.examples(3)
    )
    inputs = served.training_inputs(2)
    assert [set(one) for one in inputs] == [{"values", "is_real"}] * 2
    assert [one["values"].shape for one in inputs] == [(1,), (11,)]


def test_scores_of_a_batch_do_not_depend_on_what_fills_it_up(
    served: ServingModel,
) -> None:
    examples = served_steps.examples(4)
    inputs = served_steps.Inputs()
    loaded = sample.load(
        inputs.prepare(examples, training=False), inputs.preprocess(training=False)
    )
    endpoint = served.tensors
    batch = sample.stack(loaded, inputs.spec, inputs.boundaries)
    together = endpoint.function(**batch)[served.scores].numpy()
    for row, one in enumerate(loaded):
        alone = {name: tf.constant(value)[None] for name, value in one.items()}
        scores = endpoint.function(**alone)[served.scores][0].numpy()
        np.testing.assert_allclose(together[row, : len(scores)], scores, atol=1e-6)
        assert not together[row, len(scores) :].any()
