"""An export as something to ask: labels and preprocessing come out of it alone."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data.image import decode, resize
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from kft.exporters import litert_metadata, standalone_runner
from kft.inference import predictor as inference_predictor
from kft.inference.find_model import ModelPath
from kft.inference.predictor import Predictor
from kft.tasks.image_classification import grad_cam

# (one input, class id) -> where the network looks, float [rows, columns] in [0, 1].
Heat = Callable[[np.ndarray, int], np.ndarray]
# Labels and preprocessing of an export.
_Facts = tuple[LabelMap, dict[str, Any]]


def predictor(model: ModelPath) -> Predictor:
    """Return the predictor of a finished run, or of an export of any format.

    Raises:
        errors.RunDirError: for a folder of no finished run.
        errors.ConfigError: for an export that is damaged, or was not made by kft.
    """
    if model.kind == "run":
        return inference_predictor.of_run(load_run.load(str(model.path)))
    labels, preprocessing = _facts(model)
    open_export, takes = standalone_runner.FORMATS[model.kind]
    try:
        ask = open_export(str(model.path))
    except (ValueError, OSError, RuntimeError, tf.errors.OpError) as error:
        raise _damaged(model.path, str(error)) from error
    if takes == "payloads":
        return Predictor(
            labels,
            preprocess=lambda payload, key: payload,
            probabilities=lambda inputs: ask(inputs.numpy().tolist())[0],
        )

    def preprocess(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        del key
        image = decode.decode(payload, max_pixels=preprocessing["max_pixels"])
        return resize.resize(
            image,
            size=preprocessing["image_size"],
            method=preprocessing["resize"],
        )

    def probabilities(inputs: tf.Tensor) -> np.ndarray:
        return ask(inputs.numpy())[0]

    return Predictor(labels, preprocess, probabilities)


def with_heat(model: ModelPath) -> tuple[Predictor, Heat | None]:
    """Return the predictor of a model, and what shows where it looks.

    Only a run's network can be taken apart for that, and only one whose head reads a
    feature map. Raises what `predictor` does.
    """
    if model.kind != "run":
        return predictor(model), None
    run = load_run.load(str(model.path))
    found = inference_predictor.of_run(run)
    try:
        grad_cam.feature_split(run.network)
    except ValueError:
        return found, None

    def heat(seen: np.ndarray, class_id: int) -> np.ndarray:
        return grad_cam.heat(run.network, seen[None], np.array([class_id]))[0]

    return found, heat


def _facts(model: ModelPath) -> _Facts:
    """Return the labels and the preprocessing that an export has inside.

    Raises:
        errors.ConfigError: where they are not there.
    """
    try:
        names, preprocessing = _READERS[model.kind](model.path)
        return LabelMap(names), json.loads(preprocessing)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(model.path, repr(error)) from error


def _in_saved_model(path: Path) -> tuple[tuple[str, ...], str]:
    extra = path / "assets.extra"
    text = (extra / "labels.txt").read_text(encoding="utf-8")
    return _lines(text), (extra / "preprocessing.json").read_text()


def _in_litert(path: Path) -> tuple[tuple[str, ...], str]:
    with zipfile.ZipFile(path) as file:
        labels = file.read(litert_metadata.LABELS).decode()
        return _lines(labels), file.read(litert_metadata.PREPROCESSING).decode()


def _in_onnx(path: Path) -> tuple[tuple[str, ...], str]:
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(path, providers=providers)
    except Exception as error:  # noqa: BLE001, its errors have no common class
        raise ValueError(str(error)) from error
    properties = session.get_modelmeta().custom_metadata_map
    return tuple(json.loads(properties["labels"])), properties["preprocessing"]


_READERS: dict[str, Callable[[Path], tuple[tuple[str, ...], str]]] = {
    "saved_model": _in_saved_model,
    "litert": _in_litert,
    "onnx": _in_onnx,
}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.removesuffix("\n").split("\n"))


def _damaged(path: Path, reason: str) -> errors.ConfigError:
    return errors.ConfigError(
        f"--model={path} is damaged, or was not written by this version of "
        f"`python -m kft.export`: {reason}. Export it again."
    )
