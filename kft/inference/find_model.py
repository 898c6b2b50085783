"""Tell a run folder and the exported formats apart, by what is on the disk.

No TensorFlow here: a mistake in --model shows at once.
"""

import dataclasses
from pathlib import Path
from typing import Literal

from kft import errors, exporters
from kft.config import InferenceConfig, user_paths
from kft.run_folder import run_dir

Kind = Literal["run", "saved_model", "litert", "onnx"]
_SAVED_MODEL = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class ModelPath:
    """Something that can be asked.

    Attributes:
        kind: `run`, or the name of an export format.
        path: of the run folder, the SavedModel's folder, or the file.
    """

    kind: Kind
    path: Path


def chosen(config: InferenceConfig) -> ModelPath:
    """Return the run or the export that is asked.

    Raises:
        errors.ConfigError: where not exactly one is given, or it is not there.
    """
    if (config.run_dir is None) == (config.model is None):
        raise errors.ConfigError(
            "Expected one of --run_dir (a run folder) and --model (a run folder or an "
            f"export), received {'neither' if config.model is None else 'both'}."
        )
    if config.model is None:
        return ModelPath("run", run_dir.at(config.run_dir).path)
    return find(config.model)


def find(text: str) -> ModelPath:
    """Return what is at a path; of several versions of a SavedModel the last.

    Raises:
        errors.ConfigError: where there is no run and no export, or a package is missing
            that runs it.
    """
    path = user_paths.expand(text)
    if not path.exists():
        raise errors.ConfigError(
            f"--model: there is no {path}. Expected a run folder, the folder of a "
            "SavedModel, or a .tflite or .onnx file."
        )
    if path.is_dir():
        return _in_folder(path)
    for name, exporter in exporters.EXPORTERS.items():
        if exporter.ending is not None and path.suffix == exporter.ending:
            exporters.check_runner(name)
            return ModelPath(name, path)
    raise errors.ConfigError(
        f"--model={path}: expected a run folder, the folder of a SavedModel, or a "
        ".tflite or .onnx file."
    )


def _in_folder(path: Path) -> ModelPath:
    if (path / "config.json").exists():
        return ModelPath("run", path)
    if (path / _SAVED_MODEL).exists():
        return ModelPath("saved_model", path)
    versions = [
        one
        for one in path.iterdir()
        if one.name.isdecimal() and (one / _SAVED_MODEL).exists()
    ]
    if versions:
        return ModelPath("saved_model", max(versions, key=lambda one: int(one.name)))
    raise errors.ConfigError(
        f"--model={path}: the folder has neither config.json of a run nor "
        f"{_SAVED_MODEL}."
    )
