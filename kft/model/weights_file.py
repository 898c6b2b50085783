"""Weights as the bytes of a .weights.h5 file."""

import io

import keras


class _WeightsFile(io.BytesIO):
    """Memory with a name that Keras takes for that of a weights file."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def to_bytes(model: keras.Model) -> bytes:
    """Return what `model.save_weights` writes into a file.

    HDF5 has to be written to memory first: on a full disk h5py (3.14, h5py issue 914)
    ends the process with a segmentation fault, before any message.
    """
    file = _WeightsFile()
    model.save_weights(file)
    return file.getvalue()
