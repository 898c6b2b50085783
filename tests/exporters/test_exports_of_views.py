"""A SavedModel that answers with the mean over views."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kft import errors
from kft.config import ExportConfig
from kft.evaluation import load_run
from kft.exporters import export_run, saved_model
from kft.inference import find_model
from kft.metrics import scores
from tests.exporters.conftest import encoded


def _squares(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 64, 64, 3), np.uint8)


def test_a_saved_model_has_the_views_inside_and_says_so(run: Path) -> None:
    config = ExportConfig(run_dir=str(run), tta="flip", parity_examples=4)
    (written,) = export_run.export_run(config)
    assert (written.certificate.passed, written.certificate.tta) == (True, "flip")
    loaded = tf.saved_model.load(str(written.path))
    images = _squares(3)
    found = loaded.signatures["images"](images=tf.constant(images))["probabilities"]
    model = load_run.load(str(run)).model
    both = [
        scores.softmax(model.predict_on_batch(one))
        for one in (images, images[:, :, ::-1])
    ]
    expected = np.mean(both, axis=0)
    assert found.numpy() == pytest.approx(expected, abs=1e-5)
    assert np.abs(expected - both[0]).max() > 1e-4

    payload = encoded("PNG", height=64, width=64, seed=2)
    mirrored = tf.io.encode_png(tf.io.decode_png(payload)[:, ::-1]).numpy()
    asked = saved_model.open_export(str(written.path))
    one, other = asked([payload, mirrored])["probabilities"]
    assert one == pytest.approx(other, abs=1e-6)

    _, metadata = saved_model.read_metadata(written.path)
    assert metadata["tta"] == "flip"
    kept = json.loads((run / "export" / "parity.json").read_text())
    assert kept["saved_model"]["tta"] == "flip"
    card = (run / "export" / "README.md").read_text()
    assert "`saved_model/1` answers with the mean" in card
    graph = saved_model_pb2.SavedModel.FromString(
        (written.path / "saved_model.pb").read_bytes()
    ).meta_graphs[0]
    functions = graph.graph_def.library.function
    ops = [node.op for function in functions for node in function.node_def]
    assert ops.count("DepthwiseConv2dNative") == 1

    model_path = find_model.find(str(written.path))
    with pytest.raises(errors.ConfigError, match="is an export, which answers as"):
        find_model.check_views(model_path, "flip")


def test_a_saved_model_of_five_crops_reads_more_of_an_image(run: Path) -> None:
    config = ExportConfig(run_dir=str(run), tta="five_crop", parity_examples=4)
    (written,) = export_run.export_run(config)
    assert (written.certificate.passed, written.certificate.tta) == (True, "five_crop")
    loaded = tf.saved_model.load(str(written.path))
    images = np.random.default_rng(1).integers(0, 256, (2, 73, 73, 3), np.uint8)
    found = loaded.signatures["images"](images=tf.constant(images))["probabilities"]
    model = load_run.load(str(run)).model
    places = [(4, 4), (0, 0), (0, 9), (9, 0), (9, 9)]
    each = [
        scores.softmax(model.predict_on_batch(images[:, t : t + 64, k : k + 64]))
        for t, k in places
    ]
    assert found.numpy() == pytest.approx(np.mean(each, axis=0), abs=1e-5)
    payload = encoded("PNG", height=73, width=73, seed=2)
    whole = tf.io.decode_png(payload, channels=3).numpy()[None]
    asked = saved_model.open_export(str(written.path))
    (answer,) = asked([payload])["probabilities"]
    direct = loaded.signatures["images"](images=tf.constant(whole))["probabilities"]
    assert answer == pytest.approx(direct.numpy()[0], abs=1e-5)


def test_formats_that_take_tensors_have_no_views(run: Path) -> None:
    config = ExportConfig(
        run_dir=str(run), formats=("saved_model", "litert"), tta="flip"
    )
    with pytest.raises(errors.ConfigError, match="Leave litert out of --formats"):
        export_run.export_run(config)
    assert not (run / "export").exists()
