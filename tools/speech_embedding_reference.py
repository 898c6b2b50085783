"""Make tests/backbones/audio/speech_embedding.npz: what the original network computes.

The front end and the network of the package openwakeword, as ONNX, are run by
onnxruntime: on a sound that is made, and with random weights in place of the published
ones, so that a test needs neither the package nor its weights.

  python tools/speech_embedding_reference.py tests/backbones/audio/speech_embedding.npz
"""

import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from kft.backbones import package_files
from kft.backbones.audio import audio_backbone, speech_embedding
from tests import sounds

SECONDS = 1.5


def main() -> None:
    """Write the file that the first argument names."""
    backbone = audio_backbone.BACKBONES[audio_backbone.SPEECH_EMBEDDING]
    folder = package_files.find(backbone.package)
    waveform = sounds.sweep(SECONDS)
    front_end = onnxruntime.InferenceSession(
        folder.joinpath("melspectrogram.onnx").read_bytes()
    )
    samples = waveform[None] * 32_768
    decibels = front_end.run(None, {"input": samples})[0].reshape(-1, 32)
    network = _with_random_weights(folder.joinpath("embedding_model.onnx").read_bytes())
    frames, stride = speech_embedding.FRAMES, speech_embedding.STRIDE
    starts = range(0, len(decibels) - frames + 1, stride)
    scaled = decibels[:, :, None] / 10 + 2
    windows = np.stack([scaled[start : start + frames] for start in starts])
    (outputs,) = network.run(None, {"input_1": windows})
    np.savez_compressed(
        sys.argv[1], decibels=decibels, outputs=outputs.reshape(len(windows), -1)
    )


def _with_random_weights(content: bytes) -> onnxruntime.InferenceSession:
    model = onnx.load_from_string(content)
    tensors = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) > 4
    }
    shapes = {name: tuple(tensor.dims) for name, tensor in tensors.items()}
    for name, numbers in sounds.random_numbers(shapes).items():
        tensors[name].CopyFrom(numpy_helper.from_array(numbers, name))
    return onnxruntime.InferenceSession(model.SerializeToString())


if __name__ == "__main__":
    main()
