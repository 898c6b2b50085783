"""Pooling over time: one vector of all that a backbone says of a sound."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="kft")
class TimePooling(keras.layers.Layer):
    """Mean and largest of each feature over all places, side by side, or one of them.

    What is pooled is divided by `scale` first, so that a head begins with features of
    the size that its learning rate is for.
    """

    def __init__(self, kind: str, *, scale: float = 1.0, **kwargs: Any) -> None:
        """Make the layer; `kind` is mean_max, mean or max."""
        super().__init__(**kwargs)
        self.kind = kind
        self.scale = scale

    def call(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, features] of [batch, rows, columns, features]."""
        outputs = outputs / self.scale
        if self.kind == "mean":
            return keras.ops.mean(outputs, axis=(1, 2))
        largest = keras.ops.max(outputs, axis=(1, 2))
        if self.kind == "max":
            return largest
        mean = keras.ops.mean(outputs, axis=(1, 2))
        return keras.ops.concatenate([mean, largest], axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return [batch, features]."""
        features = input_shape[-1]
        if features is not None and self.kind == "mean_max":
            features *= 2
        return (input_shape[0], features)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "kind": self.kind, "scale": self.scale}
