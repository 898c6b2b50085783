"""The first layers of a network: from RGB 0-255 to what its weights expect.

Both are ordinary layers of the graph, so what serves scales as what trained.
"""

from typing import Any

import keras
import numpy as np

# Mean and standard deviation of ImageNet, RGB, 0-1, and its mean in BGR, 0-255:
# keras.applications.imagenet_utils.preprocess_input, modes `torch` and `caffe`.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)

# For each mode, what is subtracted and by what the rest is divided.
_MODES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "caffe": (_CAFFE_MEAN, (1.0, 1.0, 1.0)),
    "unit": ((0.0,) * 3, (255.0,) * 3),
    "tf": ((127.5,) * 3, (127.5,) * 3),
    "torch": (
        tuple(255 * mean for mean in _MEAN),
        tuple(255 * deviation for deviation in _DEVIATION),
    ),
    # tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py
    "lite": ((127.0,) * 3, (128.0,) * 3),
}


@keras.saving.register_keras_serializable(package="kft")
class Scaling(keras.layers.Layer):
    """Scale RGB 0-255, [batch, height, width, 3], of any type, to float32.

    Modes: `caffe` (BGR less the mean), `unit` (0 to 1), `tf` (-1 to 1), `torch`
    (ImageNet's mean 0 and deviation 1), `lite` (about -1 to 1). The arithmetic is
    float32 under every precision policy.
    """

    def __init__(
        self,
        mode: str,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if mode not in _MODES:
            raise ValueError(f"expected one of {', '.join(_MODES)}, received {mode!r}")
        self.mode = mode

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Return the scaled images, float32."""
        shift, divisor = (np.array(values, "float32") for values in _MODES[self.mode])
        images = keras.ops.cast(images, "float32")
        if self.mode == "caffe":
            images = keras.ops.flip(images, axis=-1)
        return (images - shift) / divisor

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def in_keras(self) -> keras.Model:
        """Return layers of Keras alone that scale alike."""
        shift, divisor = _MODES[self.mode]
        images = keras.Input([None, None, 3])
        ordered = keras.ops.flip(images, axis=-1) if self.mode == "caffe" else images
        scaled = keras.layers.Normalization(
            mean=shift, variance=[one**2 for one in divisor], dtype="float32"
        )(ordered)
        return keras.Model(images, scaled, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable(package="kft")
class Normalization(keras.layers.Normalization):
    """Normalise RGB 0-1 as the ImageNet weights of EfficientNetB0 to B7 expect.

    It has the variables of Keras' layer, so that the same files fit, and two things are
    better. With `weights="imagenet"` alone Keras divides once more by the root of the
    deviation (tensorflow issue 49930), so the same weights give another function when
    they come from a path (tensorflow issue 62193); this layer always does. And Keras
    copies the variables into constants, which a restored checkpoint does not reach;
    this layer reads them in every call.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the variables; a new network scales like the pretrained one."""
        super().build(input_shape)
        self.adapt_mean.assign(_MEAN)
        self.adapt_variance.assign(_DEVIATION)

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Return the normalised images, [batch, height, width, 3]."""
        again = np.sqrt(np.array(_DEVIATION, "float32"))
        deviation = keras.ops.sqrt(self.adapt_variance)
        return (images - self.adapt_mean) / deviation / again

    def in_keras(self) -> keras.layers.Normalization:
        """Return a layer of Keras that normalises alike."""
        variance = self.adapt_variance.numpy() * np.array(_DEVIATION, "float32")
        return _fixed(self, variance)


@keras.saving.register_keras_serializable(package="kft")
class FittedNormalization(keras.layers.Normalization):
    """Normalise as Keras' layer does after `adapt`, with variables that can be set.

    Keras (3.15.1) copies them into constants, which weights that are loaded do not
    reach; this layer reads them in every call. What it normalises are last axes.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the variables.

        Raises:
            ValueError: for what can be adapted in Keras, and not be broadcast here.
        """
        super().build(input_shape)
        rank = len(input_shape)
        kept = sorted(axis % rank for axis in self.axis)
        is_last = kept == list(range(rank - len(kept), rank))
        if self.input_mean is None and (self.invert or not is_last):
            raise ValueError(
                f"expected the last axis, or the last axes, and no inversion; received "
                f"axis={self.axis}, invert={self.invert}"
            )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return (inputs - mean) / deviation."""
        if self.input_mean is not None:
            return super().call(inputs)
        deviation = keras.ops.sqrt(self.adapt_variance)
        least = keras.config.epsilon()
        return (inputs - self.adapt_mean) / keras.ops.maximum(deviation, least)

    def in_keras(self) -> keras.layers.Normalization:
        """Return a layer of Keras that normalises alike."""
        if self.input_mean is not None:
            return keras.layers.Normalization.from_config(self.get_config())
        return _fixed(self, self.adapt_variance.numpy())


def _fixed(
    layer: keras.layers.Normalization, variance: np.ndarray
) -> keras.layers.Normalization:
    """Return a layer of Keras with the mean of this one as its own."""
    return keras.layers.Normalization(
        axis=layer.axis,
        mean=layer.adapt_mean.numpy().tolist(),
        variance=variance.tolist(),
        name=layer.name,
        dtype="float32",
    )
