"""Inputs of different length in one batch: what fills them up is set to zero."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="kft")
class MaskSteps(keras.Layer):
    """Set what only fills up a batch to zero.

    So everything above depends on the mask, and a cut there carries it.
    """

    def call(
        self, inputs: keras.KerasTensor, mask_steps: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return inputs [batch, steps, features] times the mask [batch, steps]."""
        is_real = keras.ops.expand_dims(mask_steps, -1)
        return inputs * keras.ops.cast(is_real, inputs.dtype)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], mask_steps_shape: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return inputs_shape
