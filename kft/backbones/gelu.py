"""The activation of transformers, so that every format of exports knows it."""

import math

import keras


@keras.saving.register_keras_serializable(package="kft")
class ExactGelu(keras.Layer):
    """x * Phi(x), with the error function itself (Hendrycks and Gimpel, 2016).

    Written out because ONNX has no Erfc, which `keras.activations.gelu` becomes.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return what becomes of each value."""
        return 0.5 * inputs * (1.0 + keras.ops.erf(inputs / math.sqrt(2.0)))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape
