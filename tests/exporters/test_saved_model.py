import logging
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kft.data.image import decode, resize
from kft.exporters import FormatOptions, saved_model
from kft.exporters.serving_model import ServingModel
from tests.exporters.conftest import Exported, encoded

LABELS = ("cyan", "magenta", "yellow")
OUTPUTS = {
    "probabilities": ("float32", 3),
    "class_id": ("int32", None),
    "class_name": ("string", None),
    "top_k_labels": ("string", 3),
    "top_k_class_ids": ("int32", 3),
    "top_k_probabilities": ("float32", 3),
    "valid": ("bool", None),
}
MIXED = [
    encoded("JPEG", height=90, width=70, seed=1),
    encoded("PNG", height=64, width=64, seed=2),
    encoded("WEBP", height=31, width=200, seed=3),
    encoded("BMP", height=300, width=301, seed=4),
    encoded("GIF", height=65, width=64, seed=5),
]


@pytest.fixture(scope="module")
def loaded(exported: Exported):
    return tf.saved_model.load(str(exported.saved_model))


def _ask(loaded, payloads: list[bytes]) -> dict[str, np.ndarray]:
    answer = loaded.signatures["serving_default"](
        image_bytes=tf.constant(payloads, tf.string, shape=[len(payloads)])
    )
    return {name: value.numpy() for name, value in answer.items()}


def _square(payload: bytes) -> np.ndarray:
    image = decode.decode(tf.constant(payload))
    return resize.resize(image, size=64, method="crop").numpy()


def test_signatures_are_those_of_the_contract(loaded) -> None:
    assert set(loaded.signatures) == {"serving_default", "images"}
    inputs = {
        name: signature.structured_input_signature[1]
        for name, signature in loaded.signatures.items()
    }
    assert inputs["serving_default"] == {
        "image_bytes": tf.TensorSpec([None], tf.string, "image_bytes")
    }
    assert inputs["images"] == {
        "images": tf.TensorSpec([None, 64, 64, 3], tf.uint8, "images")
    }
    for signature in loaded.signatures.values():
        outputs = signature.structured_outputs
        assert {n: s.dtype.name for n, s in outputs.items()} == {
            name: dtype for name, (dtype, _) in OUTPUTS.items()
        }
        # Rank and batch are known to TensorFlow Serving, which has to split batches.
        for name, (_, last) in OUTPUTS.items():
            assert outputs[name].shape.rank == (1 if last is None else 2)


def test_both_signatures_share_one_graph_of_the_network(exported: Exported) -> None:
    written = (exported.saved_model / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(written).meta_graphs
    ops = [
        node.op
        for function in graph.graph_def.library.function
        for node in function.node_def
    ]
    layers = exported.network.model.layers
    assert sum(op == "Conv2D" for op in ops) == sum(
        type(layer) is keras.layers.Conv2D for layer in layers
    )


def test_formats_and_sizes_may_be_mixed_in_a_batch(loaded, exported: Exported) -> None:
    answer = _ask(loaded, MIXED)
    expected = exported.probabilities(np.stack([_square(p) for p in MIXED]))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    order = np.argsort(-expected, axis=-1)
    assert answer["top_k_class_ids"].tolist() == order.tolist()
    assert answer["class_id"].tolist() == order[:, 0].tolist()
    assert answer["class_name"].tolist() == [LABELS[i].encode() for i in order[:, 0]]
    assert answer["top_k_labels"][1].tolist() == [LABELS[i].encode() for i in order[1]]
    np.testing.assert_allclose(
        answer["top_k_probabilities"],
        np.take_along_axis(answer["probabilities"], order, -1),
    )
    assert answer["valid"].all()


@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_bad_image_is_zeros_and_does_not_harm_the_others(loaded, place: int) -> None:
    cut = MIXED[1][:200]
    answer = _ask(loaded, [*MIXED[:place], cut, *MIXED[place:]])
    alone = _ask(loaded, MIXED)
    assert answer["valid"].tolist() == [i != place for i in range(6)]
    for name, values in answer.items():
        if name != "valid":
            others = np.delete(values, place, axis=0)
            if values.dtype.kind == "f":
                np.testing.assert_allclose(others, alone[name], atol=1e-6)
            else:
                assert others.tolist() == alone[name].tolist()
            bad = np.ravel(values[place]).tolist()
            assert set(bad) <= {0, b""}, name


def test_a_batch_of_bad_images_only_is_answered(loaded) -> None:
    answer = _ask(loaded, [b"", b"no image"])
    assert answer["valid"].tolist() == [False, False]
    assert (answer["probabilities"] == 0).all()


def test_pixels_and_bytes_get_the_same_answer(loaded) -> None:
    images = tf.constant(np.stack([_square(payload) for payload in MIXED]))
    by_pixels = loaded.signatures["images"](images=images)
    by_bytes = _ask(loaded, MIXED)
    for name in OUTPUTS:
        assert by_pixels[name].numpy().tolist() == by_bytes[name].tolist()


def test_asking_twice_gives_the_same_answer(loaded) -> None:
    first, second = _ask(loaded, MIXED), _ask(loaded, MIXED)
    assert all((first[name] == second[name]).all() for name in OUTPUTS)


def test_every_weight_is_stored_once(exported: Exported) -> None:
    weights = sum(w.numpy().nbytes for w in exported.network.model.weights)
    stored = (exported.saved_model / "variables").glob("*.data-*")
    assert sum(path.stat().st_size for path in stored) < 1.05 * weights


def test_nothing_is_said_of_a_place_that_is_not_the_last(
    exported: Exported, tmp_path: Path
) -> None:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = tf.get_logger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        saved_model.write(
            ServingModel(exported.network), tmp_path / "draft", FormatOptions()
        )
        assert (tmp_path / "draft" / "saved_model.pb").is_file()
        assert said == []
        logger.info("as before")
        assert said == ["as before"]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_an_endpoint_takes_its_own_example(exported: Exported) -> None:
    for endpoint in ServingModel(exported.network).endpoints.values():
        request = {name: tf.constant(one) for name, one in endpoint.request.items()}
        outputs = endpoint.function(**request)
        assert outputs["valid"].numpy().tolist() == [True]
        assert [spec.name for spec in endpoint.specs] == list(endpoint.signature)


def test_serving_warms_up_with_requests_for_every_signature(
    loaded, exported: Exported
) -> None:
    protos = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    path: Path = exported.saved_model / "assets.extra" / "tf_serving_warmup_requests"
    asked = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = protos.PredictionLog.FromString(record).predict_log.request
        name = request.model_spec.signature_name
        inputs = {key: tf.make_ndarray(v) for key, v in request.inputs.items()}
        answer = loaded.signatures[name](
            **{key: tf.constant(value) for key, value in inputs.items()}
        )
        assert answer["valid"].numpy().all()
        asked.add(name)
    assert asked == set(loaded.signatures)


@pytest.mark.parametrize("signature", ["serving_default", "images"])
def test_a_batch_of_nothing_is_answered_with_nothing(loaded, signature: str) -> None:
    ask = loaded.signatures[signature]
    ((name, spec),) = ask.structured_input_signature[1].items()
    nothing = tf.zeros([0, *spec.shape[1:]], spec.dtype)
    answer = ask(**{name: nothing})
    one = ask(**{name: tf.zeros([1, *spec.shape[1:]], spec.dtype)})
    assert {key: value.shape for key, value in answer.items()} == {
        key: (0, *value.shape[1:]) for key, value in one.items()
    }
