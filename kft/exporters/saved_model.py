"""SavedModel: bytes or pixels in, probabilities and class names out."""

import json
from pathlib import Path

import keras
import tensorflow as tf

from kft.exporters import Quantize, warmup
from kft.exporters.serving_graph import ServingModel


def write(served: ServingModel, path: Path, quantize: Quantize) -> None:
    """Write a SavedModel with two signatures to a folder.

    `serving_default` takes `image_bytes`, tf.string [n]: JPEG, PNG, GIF, BMP or WebP,
    any sizes, mixed. `images` takes uint8 [n, size, size, 3] of the network's own size;
    nothing is cropped or resized there. Both return what `ServingModel.answer` does.
    labels.txt and preprocessing.json are in the folder `assets.extra`.
    """
    del quantize  # `none` is all that the format knows
    size = served.image_size
    # It finds the variables in the endpoints; after track() it would save each of them
    # twice (keras 3.15.1).
    archive = keras.export.ExportArchive()
    archive.add_endpoint(
        "serving_default",
        served.answer_bytes,
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")],
    )
    archive.add_endpoint(
        "images",
        served.answer_images,
        input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8, name="images")],
    )
    archive.write_out(str(path), verbose=False)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / "labels.txt").write_text(served.run.labels.text(), encoding="utf-8")
    (extra / "preprocessing.json").write_text(json.dumps(served.preprocessing))
    gray = tf.fill([size, size, 3], tf.constant(128, tf.uint8))
    warmup.write(
        path,
        {
            "serving_default": {"image_bytes": tf.io.encode_jpeg(gray)[None]},
            "images": {"images": gray[None]},
        },
    )
