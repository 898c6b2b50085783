"""Layers of vision transformers that Keras does not have."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="kft")
class SpecialTokens(keras.layers.Layer):
    """Put learned tokens, the same for all images, before the patches."""

    def __init__(self, tokens: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tokens = tokens

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the tokens, [tokens, features]."""
        self.embeddings = self.add_weight(
            shape=(self.tokens, input_shape[-1]),
            initializer="truncated_normal",
            name="embeddings",
        )

    def call(self, patches: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, tokens + patches, features] of [batch, patches, features]."""
        table = keras.ops.cast(self.embeddings, patches.dtype)
        # Not broadcast_to, whose unknown batch LiteRT does not take.
        blank = keras.ops.zeros_like(patches[:, :1])
        before = blank + keras.ops.expand_dims(table, 0)
        return keras.ops.concatenate([before, patches], axis=1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return that of tokens and patches."""
        batch, patches, width = input_shape
        return (batch, None if patches is None else patches + self.tokens, width)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "tokens": self.tokens}


@keras.saving.register_keras_serializable(package="kft")
class GridPositions(keras.layers.Layer):
    """Add a learned vector to each token of images of one size."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the table, [tokens, features]."""
        self.embeddings = self.add_weight(
            shape=input_shape[1:], initializer="truncated_normal", name="embeddings"
        )

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Return the sums, [batch, tokens, features]."""
        return tokens + keras.ops.cast(self.embeddings, tokens.dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the tokens."""
        return input_shape


@keras.saving.register_keras_serializable(package="kft")
class LearnedScale(keras.layers.Layer):
    """Multiply each feature by a learned factor (LayerScale, arXiv 2103.17239)."""

    def __init__(self, value: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the factors, [features]."""
        self.factors = self.add_weight(
            shape=input_shape[-1:],
            initializer=keras.initializers.Constant(self.value),
            name="factors",
        )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the products, of the shape of the inputs."""
        return inputs * keras.ops.cast(self.factors, inputs.dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "value": self.value}


@keras.saving.register_keras_serializable(package="kft")
class ImageVector(keras.layers.Layer):
    """One vector of the tokens of an image, as classifiers of their family read it.

    The class token; with `reads_patches` beside it the mean of the patches.
    """

    def __init__(self, tokens: int = 1, reads_patches: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.tokens = tokens
        self.reads_patches = reads_patches

    def call(self, states: keras.KerasTensor) -> keras.KerasTensor:
        """Return [batch, features], twice as many with the mean of the patches.

        Args:
            states: [batch, tokens + patches, features], the class token first.
        """
        first = states[:, 0]
        if not self.reads_patches:
            return first
        mean = keras.ops.mean(states[:, self.tokens :], axis=1)
        return keras.ops.concatenate([first, mean], axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Return that of the vector."""
        batch, _, width = input_shape
        return (batch, 2 * width if self.reads_patches and width else width)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        own = {"tokens": self.tokens, "reads_patches": self.reads_patches}
        return {**super().get_config(), **own}
