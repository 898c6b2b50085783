"""The kind of a model, run folder or exported format, by what is on the disk.

No TensorFlow here: a mistake in --model shows at once.
"""

import dataclasses
import os
from pathlib import Path

from kft import errors, exporters, tasks
from kft.config import InferenceConfig, user_paths
from kft.run_folder import export_versions, run_dir

RUN = "run"


@dataclasses.dataclass(frozen=True)
class ModelPath:
    """Something that can be asked.

    Attributes:
        kind: `RUN`, or the name of an export format.
        path: of the run folder, of the folder of an export, or of its file.
    """

    kind: str
    path: Path


def chosen(config: InferenceConfig) -> ModelPath:
    """Return the run or the export that is asked.

    Raises:
        errors.ConfigError: where not exactly one is given, or it is not there.
        errors.RunDirError: for a folder of no finished run.
    """
    if config.run_dir is not None and config.model is None:
        return ModelPath(RUN, run_dir.finished(config.run_dir).path)
    if config.model is not None and config.run_dir is None:
        return find(config.model)
    raise errors.ConfigError(
        "Expected one of --run_dir (a run folder) and --model (a run folder or an "
        f"export), received {'neither' if config.model is None else 'both'}."
    )


def check_views(model: ModelPath, tta: str | None) -> None:
    """Check that a model can answer with the mean over views.

    Raises:
        errors.ConfigError: for an export, and for a run whose task has no such views.
        errors.RunDirError: where the config of a run is damaged.
    """
    if tta is None:
        return
    if model.kind != RUN:
        raise errors.ConfigError(
            f"--tta={tta}: {model.path} is an export, which answers as it was written. "
            "Expected a run folder; `python -m kft.export --tta` writes an export that "
            "has views inside."
        )
    tasks.check_views(run_dir.read_config(run_dir.at(str(model.path))).task, tta)


def find(text: str) -> ModelPath:
    """Return what is at a path; of several versions of an export the last.

    Raises:
        errors.ConfigError: where there is no run and no export, or a package is missing
            that runs it.
        errors.RunDirError: for a run that is not finished, or damaged.
    """
    path = user_paths.expand(text)
    # Not of pathlib, which raises where a name is too long.
    if not os.path.exists(path):
        raise errors.ConfigError(
            f"--model: there is no {path}. Expected {_expected()}."
        )
    if path.is_dir():
        return _in_folder(path)
    for name, exporter in exporters.EXPORTERS.items():
        if exporter.ending is not None and path.suffix == exporter.ending:
            exporters.check_runner(name)
            return ModelPath(name, path)
    raise errors.ConfigError(f"--model={path}: expected {_expected()}.")


def _expected() -> str:
    every = exporters.EXPORTERS.values()
    endings = " or ".join(one.ending for one in every if one.ending is not None)
    markers = " or ".join(one.marker for one in every if one.marker is not None)
    return f"a run folder, a folder with {markers}, or a {endings} file"


def _in_folder(path: Path) -> ModelPath:
    if (path / "config.json").exists():
        return ModelPath(RUN, run_dir.finished(str(path)).path)
    for name, exporter in exporters.EXPORTERS.items():
        if exporter.marker is None:
            continue
        version = _last_version(path, exporter.marker)
        if version is not None:
            exporters.check_runner(name)
            return ModelPath(name, version)
    raise errors.ConfigError(
        f"--model={path}: the folder has neither config.json of a run nor what an "
        f"export has. Expected {_expected()}."
    )


def _last_version(path: Path, marker: str) -> Path | None:
    """Return the folder with the marker: this one, or that of the highest number."""
    if (path / marker).exists():
        return path
    versions = export_versions.numbered(path)
    return next((one for one in reversed(versions) if (one / marker).exists()), None)
