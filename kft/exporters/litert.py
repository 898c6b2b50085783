"""LiteRT (TensorFlow Lite): raw pixels in, probabilities out, labels in the file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from kft import errors
from kft.exporters import Quantize, litert_float16, litert_metadata
from kft.exporters.serving_graph import ServingModel

_CALIBRATION_IMAGES = 200


def write(served: ServingModel, path: Path, quantize: Quantize) -> None:
    """Write a .tflite file whose signature `serving_default` takes `images`.

    images is uint8 [n, size, size, 3] RGB, as the camera gives it; scaling is inside.
    The batch n is 1 until the application resizes the input. probabilities is float32
    [n, classes]. There are no operations but those of LiteRT itself.

    Args:
        served: the network.
        path: of the file.
        quantize: none; float16 and dynamic (int8) for the large weights alone; int8 for
            the arithmetic as well, with ranges taken from training images.
    """
    # An int8 converter takes float32 and makes the input uint8 itself, with the step of
    # 1 that `_stretched` makes sure of.
    dtype = tf.float32 if quantize == "int8" else tf.uint8
    size = served.image_size
    function = tf.function(
        lambda images: {"probabilities": served.probabilities(images)},
        input_signature=[tf.TensorSpec([None, size, size, 3], dtype, name="images")],
        autograph=False,
    )
    module = tf.Module()
    module.function = function
    module.tracked = [variable.value for variable in served.run.model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], module
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize in ("dynamic", "int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _ranges(served)
        converter.inference_input_type = tf.uint8
    try:
        content = converter.convert()
    except (RuntimeError, ValueError) as error:
        raise errors.ConfigError(
            "--formats=litert: this network does not convert with "
            f"--quantize={quantize}: {error}"
        ) from error
    if quantize == "float16":
        content = litert_float16.halve(content)
    path.write_bytes(litert_metadata.add(content, served))


def _ranges(served: ServingModel) -> Iterator[list[np.ndarray]]:
    """Yield the images that the ranges of int8 are taken from."""
    images = served.training_images(_CALIBRATION_IMAGES).astype(np.float32)
    yield [_stretched(images[0])[None]]
    for image in images:
        yield [image[None]]


def _stretched(image: np.ndarray) -> np.ndarray:
    """Return the image with its contrast spread over 0 to 255.

    The step of the input's quantization is then exactly 1, so that raw bytes fit.
    """
    low, high = image.min(), image.max()
    if low == high:
        # A plain image has no contrast to spread.
        return np.linspace(0, 255, image.size, dtype=np.float32).reshape(image.shape)
    return ((image - low) * (255.0 / (high - low))).clip(0, 255).astype(np.float32)
