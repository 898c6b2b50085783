import ast
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import errors, exporters
from kft.config import ExportConfig
from kft.data.image import decode_graph, resize
from kft.evaluation import load_run, run_split
from kft.exporters import export_run, litert, parity, standalone_runner
from kft.exporters.serving_model import ServingModel
from kft.exporters.standalone_process import ExportFailedError
from kft.run_folder.run_dir import RunDir
from kft.tasks.image_classification.image_serving import ImageServing
from tests.exporters.conftest import Exported


def test_the_certificate_is_kept_and_true(exported: Exported) -> None:
    (export,) = exported.exports
    kept = json.loads((exported.run / "export" / "parity.json").read_text())
    assert kept == json.loads(json.dumps({"saved_model": export.certificate.to_json()}))
    certificate = kept["saved_model"]
    result = json.loads((exported.run / "result.json").read_text())
    assert certificate["examples"] == 18  # the validation split is smaller than 64
    assert certificate["top1_agreement"] == 1.0
    assert certificate["largest_difference"] <= 1e-5
    assert certificate["accuracy"] == pytest.approx(result["val_accuracy"])
    assert certificate["milliseconds_p50"] <= certificate["milliseconds_p95"]
    assert certificate["export"] == "saved_model/1"
    labels = (exported.run / "export" / "labels.txt").read_text()
    assert labels == "cyan\nmagenta\nyellow\n"
    # An accuracy of few examples is not to be read as a loss of accuracy.
    assert "that of the 18 examples that were compared" in export_run.table([export])[2]
    longest = dataclasses.replace(export, name="litert_dynamic")
    assert max(map(len, export_run.table([longest])[:2])) <= 80


def test_a_saved_model_may_round_like_other_kernels_where_rounding_shows() -> None:
    saved_model = exporters.EXPORTERS["saved_model"].bars["none"]
    lite = exporters.EXPORTERS["litert"].bars
    assert saved_model.magnified(1.0) == saved_model
    assert saved_model.magnified(10.0) == lite["none"].magnified(10.0)
    # A recogniser of speech was seen to differ by the first of these.
    assert 4.7e-4 < saved_model.magnified(10.0).largest_difference < 2e-3
    assert lite["dynamic"].magnified(10.0) == lite["dynamic"]


def test_the_fresh_process_knows_nothing_of_kft() -> None:
    tree = ast.parse(Path(standalone_runner.__file__).read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert imported & {"kft", "keras", "tensorflow"} == set()


def test_the_certificate_proves_that_kft_was_not_there(exported: Exported) -> None:
    (export,) = exported.exports
    assert "kft" in export.certificate.without


@pytest.fixture
def squashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make exports resize otherwise than the network was trained with."""

    def read(self: ImageServing, payload: tf.Tensor) -> tf.Tensor:
        return resize.resize(
            decode_graph.decode_in_graph(payload), size=64, method="squash"
        )

    monkeypatch.setattr(ImageServing, "read", read)


def test_an_export_that_resizes_otherwise_is_found_out(
    run: Path, squashed: None
) -> None:
    config = ExportConfig(run_dir=str(run), parity_examples=4, allow_disagreement=True)
    (export,) = export_run.export_run(config)
    assert not export.certificate.passed
    assert export.certificate.largest_difference > 1e-4
    assert (run / "export" / "saved_model" / "1" / "saved_model.pb").is_file()


def test_an_export_of_other_weights_is_not_kept(run: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    config = ExportConfig(run_dir=str(run), formats=("litert",), parity_examples=4)
    (good,) = export_run.export_run(config)
    content = good.path.read_bytes()
    good.path.unlink()
    model = load_run.load(str(run)).model
    bias = model.get_layer("logits").bias
    bias.assign(bias + np.array([0.01, 0, 0]))
    model.save_weights(run / "best.weights.h5")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            litert, "write", lambda served, path, _: path.write_bytes(content)
        )
        with pytest.raises(parity.ParityError, match="litert: a score differs"):
            export_run.export_run(config)
    assert list((run / "export" / "litert").iterdir()) == []
    kept = json.loads((run / "export" / "parity.json").read_text())["litert"]
    assert not kept["passed"]
    assert 1e-4 < kept["largest_difference"] < 1e-2


def test_versions_count_up_past_what_is_there(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    first = export_run.place(run, "saved_model", "none")
    assert first == tmp_path / "export" / "saved_model" / "1"
    for name in ("2", "10", ".tmp-killed", "notes"):
        (tmp_path / "export" / "saved_model" / name).mkdir(parents=True)
    assert export_run.place(run, "saved_model", "none").name == "11"


def test_an_export_that_does_not_load_is_an_error(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setattr(litert, "write", lambda served, path, _: path.write_bytes(b"-"))
    config = ExportConfig(run_dir=str(run), formats=("litert",), parity_examples=1)
    with pytest.raises(ExportFailedError, match="cannot be run"):
        export_run.export_run(config)


def test_questions_are_spread_over_the_split(exported: Exported) -> None:
    examples = run_split.of_split(exported.network, "validation")
    questions = parity.make_batch(ServingModel(exported.network), examples, 3)
    assert questions.ids.tolist() == examples.ids[[0, 8, 17]].tolist()
    assert len(np.unique(questions.labels)) == 3
    np.testing.assert_allclose(
        questions.scores,
        exported.probabilities(questions.tensors["images"]),
        atol=1e-6,
    )


def test_an_unknown_format_is_an_error_that_names_the_known(run: Path) -> None:
    with pytest.raises(errors.ConfigError, match="saved_modle.*saved_model"):
        export_run.export_run(ExportConfig(run_dir=str(run), formats=("saved_modle",)))
