"""A finished run or an export in Python."""

import concurrent.futures
import io
import json
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import pytest

import kft
from kft import errors, predict
from kft.cli import command as cli_command
from kft.config import ExportConfig
from kft.exporters import export_run
from kft.inference.finetuned_model import FinetunedModel
from tests.exporters.conftest import encoded


@pytest.fixture(scope="module")
def model(small_run: Path) -> FinetunedModel:
    return kft.load(small_run)


@pytest.fixture(scope="module")
def files(small_run: Path) -> list[Path]:
    return sorted((small_run.parent / "images").rglob("*.jpg"))[::9]


def _probabilities(answers: list) -> np.ndarray:
    rows = []
    for answer in answers:
        found = {p["class_id"]: p["probability"] for p in answer.content["predictions"]}
        rows.append([found[index] for index in range(3)])
    return np.array(rows)


def test_files_get_the_answers_of_the_command(
    model: FinetunedModel, files: list[Path], small_run: Path, capsys
) -> None:
    asked = ["--format=jsonl", f"--run_dir={small_run}", *map(str, files)]
    assert cli_command.execute(predict.COMMAND, asked) == cli_command.EXIT_OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Three to a batch, and one that is left.
    answers = model.predict(files, batch_size=3)
    assert [one.file for one in answers] == [row["file"] for row in rows]
    assert len(files) == 7
    for answer, row in zip(answers, rows, strict=True):
        labels = [one["label"] for one in row["predictions"]]
        assert [one["label"] for one in answer.content["predictions"]] == labels
        for one, other in zip(
            answer.content["predictions"], row["predictions"], strict=True
        ):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


def test_an_answer_of_views_is_alike_for_a_mirror_image(model: FinetunedModel) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    both = [image, image[:, ::-1]]
    of_views = _probabilities(model.predict(both, tta="flip"))
    assert of_views[0] == pytest.approx(of_views[1], abs=1e-6)
    plain = _probabilities(model.predict(both))
    assert np.abs(plain[0] - plain[1]).max() > 1e-4
    with pytest.raises(errors.ConfigError, match="expected one of flip"):
        model.predict(image, tta="flop")


def test_an_image_is_the_same_in_every_form(model: FinetunedModel) -> None:
    content = encoded("PNG", height=40, width=31, seed=5)
    pixels = np.asarray(PIL.Image.open(io.BytesIO(content)))
    answers = model.predict([content, pixels])
    assert [one.file for one in answers] == ["input 0", "input 1"]
    found = _probabilities(answers)
    assert np.ptp(found[0]) > 0
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    (alone,) = _probabilities(model.predict(pixels))
    np.testing.assert_allclose(alone, found[0], atol=1e-6)


def test_the_head_reads_what_embed_gives(
    model: FinetunedModel, files: list[Path]
) -> None:
    features = model.embed(files, batch_size=4)
    assert features.shape[0] == 7 and features.dtype == np.float32
    head = model.keras.get_layer("logits")
    logits = keras.ops.convert_to_numpy(head(features))
    expected = _probabilities(model.predict(files))
    np.testing.assert_allclose(keras.ops.softmax(logits, axis=-1), expected, atol=1e-5)


def test_what_a_run_has_besides_its_answers(
    model: FinetunedModel, small_run: Path
) -> None:
    assert model.config.backbone == "MobileNet"
    kept = json.loads((small_run / "result.json").read_text())
    found = model.evaluate().figures.to_json()["accuracy"]
    assert found == pytest.approx(kept["val_accuracy"])
    assert list(model.labels) == (small_run / "labels.txt").read_text().split()


def test_a_class_is_explained_by_name_or_number(
    model: FinetunedModel, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    display = type(model._run.task.display)
    monkeypatch.setattr(display, "unexplained", lambda *_: "Its map is too small.")
    with pytest.raises(errors.ConfigError, match="explain: Its map is too small"):
        model.explain(files[0])
    asked = []
    monkeypatch.setattr(display, "unexplained", lambda *_: "")
    monkeypatch.setattr(
        display,
        "explain",
        lambda self, network, inputs, *, targets, payloads: (
            asked.append((targets, payloads)) or ["<img>"]
        ),
    )
    best = model.predict(files[0]).pop().content["predictions"][0]["class_id"]
    for target in (model.labels[2], 2, None):
        assert model.explain(files[0], target=target) == "<img>"
    assert [targets for targets, _ in asked] == [[2], [2], [best]]
    assert asked[0][1] == [files[0].read_bytes()]
    for target in ("megenta", 3, -1):
        with pytest.raises(errors.ConfigError, match=f"target={target!r}"):
            model.explain(files[0], target=target)


def test_threads_may_share_a_model(model: FinetunedModel, files: list[Path]) -> None:
    expected = _probabilities(model.predict(files))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: _probabilities(model.predict(files)), range(8)))
    for one in found:
        np.testing.assert_allclose(one, expected, atol=1e-6)


def test_answers_become_a_table(model: FinetunedModel, files: list[Path]) -> None:
    pytest.importorskip("pandas")
    table = model.predict(files[:2], top_k=2).to_pandas()
    assert list(table.columns[:3]) == ["file", "label_1", "class_id_1"]
    assert list(table["file"]) == [str(path) for path in files[:2]]
    assert (table["probability_1"] >= table["probability_2"]).all()


def test_an_input_that_cannot_be_read_is_named(
    model: FinetunedModel, files: list[Path], tmp_path: Path
) -> None:
    content = files[0].read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(content[:200])
    for inputs, said in (
        ([files[0], cut], "cut.jpg: "),
        ([content, b"no image"], "input 1: "),
        ([content, np.zeros([4, 4, 3])], "input 1: expected an image as uint8"),
        ([tmp_path / "gone.jpg"], "gone.jpg cannot be read: No such file"),
        (str(tmp_path / "gone.jpg"), "gone.jpg cannot be read"),
    ):
        with pytest.raises(errors.DataError, match=said):
            model.predict(inputs)
    with pytest.raises(errors.ConfigError, match="batch_size=0"):
        model.predict(files, batch_size=0)
    assert model.predict([]) == []


def test_an_export_answers_and_says_what_it_has_not(
    small_run: Path, model: FinetunedModel, files: list[Path], tmp_path: Path
) -> None:
    config = ExportConfig(
        run_dir=str(small_run), formats=("saved_model",), out=str(tmp_path)
    )
    (written,) = export_run.export_run(config)
    export = kft.load(written.path)
    np.testing.assert_allclose(
        _probabilities(export.predict(files, batch_size=4)),
        _probabilities(model.predict(files)),
        atol=1e-5,
    )
    assert list(export.labels) == list(model.labels)
    for ask in (
        lambda: export.keras,
        lambda: export.config,
        lambda: export.embed(files),
        lambda: export.explain(files[0]),
        lambda: export.evaluate(),
    ):
        with pytest.raises(errors.ConfigError, match="is an export, which has"):
            ask()
