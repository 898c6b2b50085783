"""Small networks such as users bring: functional, without a head."""

import keras

SIDE = 32
# Joins of `residual`, and the layers below their branches.
BLOCKS = {"block_1": "stem_relu", "block_2": "a_out", "block_3": "b_out"}


def residual(*, side: int | None = SIDE, seed: int = 3, top: bool = False):
    """Return stem -> 3 residual blocks, as a map [batch, 8, 8, 8] of images 0 to 1."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((side, side, 3), name="pixels")
    x = keras.layers.Conv2D(8, 3, 2, padding="same", name="stem_conv")(images)
    x = keras.layers.ReLU(name="stem_relu")(x)
    for name in "abc":
        strides = 2 if name == "b" else 1
        y = keras.layers.Conv2D(8, 3, strides, padding="same", name=f"{name}_conv")(x)
        y = keras.layers.BatchNormalization(name=f"{name}_bn")(y)
        if strides > 1:
            x = keras.layers.Conv2D(8, 1, strides, name=f"{name}_shortcut")(x)
        x = keras.layers.Add(name=f"{name}_add")([x, y])
        x = keras.layers.ReLU(name=f"{name}_out")(x)
    if top:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        x = keras.layers.Dropout(0.1, name="drop")(x)
        x = keras.layers.Dense(5, activation="softmax", name="predictions")(x)
    return keras.Model(images, x, name="residual")
