"""How to call each format in five lines of Python, for the model card.

The lines are run as they stand, in the folder of exports, with an image.jpg there.
"""

from collections.abc import Callable, Mapping
from typing import Any

# Bilinear and antialiased, as kft.data.image.resize is; a few gray levels may differ
# by one.
_FIT = {
    "crop": "PIL.ImageOps.fit({image}, ({size}, {size}), bleed={bleed:g}, method=2)",
    "pad": "PIL.ImageOps.pad({image}, ({size}, {size}), method=2)",
    "squash": "{image}.resize(({size}, {size}), resample=2)",
}
_IMAGE = 'PIL.Image.open("image.jpg").convert("RGB")'
_LABELS = 'pathlib.Path("labels.txt").read_text().split("\\n")'
_SAY = f"print({_LABELS}[answer.argmax()], answer.max())"


def snippet(name: str, path: str, preprocessing: Mapping[str, Any]) -> str:
    """Return five lines of Python that name the class of image.jpg.

    Args:
        name: of the format.
        path: of the export, relative to the folder of exports.
        preprocessing: see `kft.exporters.serving_graph.ServingModel.preprocessing`.
    """
    return "\n".join(_SNIPPETS[name](path, preprocessing)) + "\n"


def _saved_model(path: str, preprocessing: Mapping[str, Any]) -> list[str]:
    del preprocessing  # it is in the graph
    return [
        "import tensorflow as tf",
        f'model = tf.saved_model.load("{path}")',
        'image = tf.io.read_file("image.jpg")',
        'answer = model.signatures["serving_default"](image_bytes=image[None])',
        'print(answer["class_name"][0].numpy(), answer["top_k_probabilities"][0, 0])',
    ]


def _litert(path: str, preprocessing: Mapping[str, Any]) -> list[str]:
    return [
        "import ai_edge_litert.interpreter, numpy, pathlib, PIL.Image, PIL.ImageOps",
        f'model = ai_edge_litert.interpreter.Interpreter("{path}")',
        f"image = {_image(preprocessing)}",
        "answer = model.get_signature_runner()"
        '(images=numpy.array(image)[None])["probabilities"]',
        _SAY,
    ]


def _onnx(path: str, preprocessing: Mapping[str, Any]) -> list[str]:
    return [
        "import numpy, onnxruntime, pathlib, PIL.Image, PIL.ImageOps",
        f'model = onnxruntime.InferenceSession("{path}")',
        f"image = {_image(preprocessing)}",
        '(answer,) = model.run(None, {"images": numpy.array(image)[None]})',
        _SAY,
    ]


def _image(preprocessing: Mapping[str, Any]) -> str:
    return _FIT[preprocessing["resize"]].format(
        image=_IMAGE,
        size=preprocessing["image_size"],
        bleed=(1 - preprocessing["crop_share"]) / 2,
    )


_SNIPPETS: dict[str, Callable[[str, Mapping[str, Any]], list[str]]] = {
    "saved_model": _saved_model,
    "litert": _litert,
    "onnx": _onnx,
}
