"""Requests as TensorFlow Serving would understand them, against a real export."""

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import REPOSITORY
from tests.exporters.conftest import Exported, encoded

IMAGE = encoded("JPEG", height=700, width=900, seed=0)


@pytest.fixture(scope="module")
def loaded(exported: Exported):
    return tf.saved_model.load(str(exported.saved_model))


def _tensors(request: dict[str, Any], signatures: Any) -> tuple[Any, dict[str, Any]]:
    """Return the signature and its inputs that a REST request in row format means.

    The rules of TensorFlow Serving's util/json_tensor.cc: an instance is an object with
    a value for each input by its alias, or, where there is one input, the value itself;
    {"b64": TEXT} is the bytes that the text encodes.
    """
    signature = signatures[request.get("signature_name", "serving_default")]
    specs = signature.structured_input_signature[1]
    instances = request["instances"]
    is_named = isinstance(instances[0], dict) and set(instances[0]) != {"b64"}
    if not is_named:
        (name,) = specs
        instances = [{name: instance} for instance in instances]
    assert all(set(instance) == set(specs) for instance in instances)
    inputs = {
        name: tf.constant([_value(one[name]) for one in instances], spec.dtype)
        for name, spec in specs.items()
    }
    return signature, inputs


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        assert set(value) == {"b64"}
        return base64.b64decode(value["b64"], validate=True)
    return value


def _response(answer: dict[str, tf.Tensor]) -> list[dict[str, Any]]:
    """Return the `predictions` of a response in row format."""
    rows = []
    for index in range(len(answer["valid"])):
        row = {name: values[index].numpy() for name, values in answer.items()}
        # Text is sent as it is, for no output's alias ends in _bytes.
        rows.append({name: _plain(value) for name, value in row.items()})
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value


def _shown_request(folder: Path) -> dict[str, Any]:
    """Return the body that the command of the page sends for an image rose.jpg."""
    page = (REPOSITORY / "docs" / "serving.md").read_text()
    command = re.search(r"^(printf .*) \|\n\s+curl -d @- ", page, re.MULTILINE)
    (folder / "rose.jpg").write_bytes(IMAGE)
    body = subprocess.run(
        ["bash", "-c", command[1]], cwd=folder, capture_output=True, check=True
    ).stdout
    return json.loads(body)


def test_the_request_that_is_shown_is_understood_and_answered(
    loaded, tmp_path: Path
) -> None:
    request = _shown_request(tmp_path)
    assert len(IMAGE) > 128 * 1024  # more than fits an argument of a program
    signature, inputs = _tensors(request, loaded.signatures)
    assert inputs["image_bytes"].numpy().tolist() == [IMAGE]
    (row,) = _response(signature(**inputs))
    json.dumps(row)
    assert row["valid"] is True
    assert row["class_name"] == row["top_k_labels"][0]
    assert row["class_name"] in ("cyan", "magenta", "yellow")
    assert row["probabilities"][row["class_id"]] == row["top_k_probabilities"][0]
    page = (REPOSITORY / "docs" / "serving.md").read_text()
    assert all(f"`{name}`" in page for name in row)


def test_the_short_form_of_a_request_means_the_same(loaded, tmp_path: Path) -> None:
    named = _shown_request(tmp_path)
    short = {"instances": [one["image_bytes"] for one in named["instances"]]}
    _, expected = _tensors(named, loaded.signatures)
    _, inputs = _tensors(short, loaded.signatures)
    assert inputs["image_bytes"].numpy().tolist() == (
        expected["image_bytes"].numpy().tolist()
    )


def test_every_output_has_a_row_for_every_instance(loaded) -> None:
    answer = loaded.signatures["serving_default"](
        image_bytes=tf.constant([IMAGE, b"no image", IMAGE])
    )
    assert {values.shape[0] for values in answer.values()} == {3}
    assert [row["valid"] for row in _response(answer)] == [True, False, True]


def test_a_grpc_request_carries_the_bytes(loaded) -> None:
    predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "photos"
    request.model_spec.signature_name = "serving_default"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([IMAGE]))
    received = predict_pb2.PredictRequest.FromString(request.SerializeToString())

    signature = loaded.signatures[received.model_spec.signature_name]
    inputs = {key: tf.make_ndarray(v) for key, v in received.inputs.items()}
    answer = signature(**{key: tf.constant(value) for key, value in inputs.items()})
    assert set(answer) == {
        "probabilities",
        "class_id",
        "class_name",
        "top_k_labels",
        "top_k_class_ids",
        "top_k_probabilities",
        "valid",
    }
    assert answer["valid"].numpy().tolist() == [True]
