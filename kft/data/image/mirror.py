"""The mirror image."""

import keras


def mirrored(images: keras.KerasTensor) -> keras.KerasTensor:
    """Return images, [n, height, width, channels], with left and right exchanged."""
    return keras.ops.flip(images, axis=2)
