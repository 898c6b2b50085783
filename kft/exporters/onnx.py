"""ONNX: raw pixels in, probabilities out, labels in the file."""

import json
from pathlib import Path

import onnx
import tensorflow as tf
import tf2onnx

from kft.exporters import Quantize
from kft.exporters.serving_graph import ServingModel

# The newest that tf2onnx 1.17 writes.
OPSET = 18


def write(served: ServingModel, path: Path, quantize: Quantize) -> None:
    """Write an .onnx file that takes `images` and gives `probabilities`.

    images is uint8 [batch, size, size, 3] RGB; scaling is inside. probabilities is
    float32 [batch, classes]. The metadata has, as JSON, the class names under `labels`,
    and `ServingModel.preprocessing` under `preprocessing`.
    """
    del quantize  # `none` is all that the format knows
    size = served.image_size
    function = tf.function(
        lambda images: {"probabilities": served.probabilities(images)},
        autograph=False,
    )
    images = tf.TensorSpec([None, size, size, 3], tf.uint8, name="images")
    model, _ = tf2onnx.convert.from_function(function, [images], opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    names = json.dumps(served.run.labels.names, ensure_ascii=False)
    preprocessing = json.dumps(served.preprocessing)
    onnx.helper.set_model_props(
        model, {"labels": names, "preprocessing": preprocessing}
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
