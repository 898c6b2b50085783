"""Ordinary layers of transformers for any kind of data; each has its own name."""

import keras

# What fresh matrices begin with.
WEIGHTS = "truncated_normal"


def dense(
    width: int, name: str, x: keras.KerasTensor, *, use_bias: bool = True
) -> keras.KerasTensor:
    """Return features [batch, steps, width] of a dense layer."""
    layer = keras.layers.Dense(
        width, use_bias=use_bias, kernel_initializer=WEIGHTS, name=name
    )
    return layer(x)


def norm(epsilon: float, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the features of each step, normalised over them."""
    return keras.layers.LayerNormalization(epsilon=epsilon, name=name)(x)


def dropout(share: float, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return features of which that share is dropped in training."""
    return keras.layers.Dropout(share, name=name)(x) if share else x
