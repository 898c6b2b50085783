"""The folder of a run: its paths, atomic writes to it, and the config that it keeps."""

import contextlib
import dataclasses
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from kft import config, errors
from kft.config import RunConfig, flagfile, user_paths
from kft.data.labels import LabelMap
from kft.run_folder import atomic_files, option_files, regular_file, saved_config
from kft.run_folder import lock as run_folder_lock

Status = Literal["new", "unfinished", "finished"]
# Of a data set's or backbone's name in the default path; a name may have 255 in all.
_NAME_BYTES = 100


class _HasPath(Protocol):
    @property
    def path(self) -> Path:
        """Return where the folder is."""


class Below:
    """An attribute that is the path of a file or folder in the folder at `path`.

    Args:
        name: of the file or folder.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: _HasPath, _: type) -> Path:
        return folder.path / self._name


class _MadeOf:
    """An attribute that is a path in `out`, or in `path` where there is no `out`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: "RunDir", _: type) -> Path:
        return (folder.out or folder.path) / self._name


@dataclasses.dataclass(frozen=True)
class RunDir:
    """Every path of a run folder. What is written through it is whole or absent.

    Attributes:
        path: the folder itself.
        out: another folder for what is made of a finished run: exports, evaluations and
            the report; None for the folder itself.
        flags_cfg: a flagfile that repeats the run.
        config_json: the same for programs; it makes a folder a run folder.
        labels_txt: class names in the order of their indices.
        split_csv: example id, label and split.
        bad_images_csv: examples that were skipped, and why.
        class_weights_csv: weight of each class in the training loss.
        preview_png: the first training inputs.
        environment_json: versions, device, command and data fingerprint.
        metrics_jsonl: one line per epoch.
        result_json: status and final figures.
        checkpoints: folder of exact-resume states, until the run is finished.
        features: folder of outputs of frozen trunks, where they are kept on disk and
            no other run shares them; likewise.
        teacher_answers: what a teacher says of the training examples; likewise.
        best_weights: best weights so far.
        backbone: folder of what a network is built from besides code, such as sizes and
            a vocabulary; the tasks say what.
        tensorboard: folder of event files.
        trackers_json: how other trackers call the run.
        export: folder of exports.
        evaluation_json: figures of what was evaluated last.
        predictions: the network's outputs for those examples.
        report_html: the report, one page.
        charts: folder of its curves and its confusion matrix as files.
        doubted_labels: training examples whose label the network doubts.
        lock_file: locked while a process works in the folder.
    """

    path: Path
    out: Path | None = None

    flags_cfg = Below("flags.cfg")
    config_json = Below("config.json")
    labels_txt = Below("labels.txt")
    split_csv = Below("split.csv")
    bad_images_csv = Below("bad_images.csv")
    class_weights_csv = Below("class_weights.csv")
    preview_png = Below("preview.png")
    environment_json = Below("environment.json")
    metrics_jsonl = Below("metrics.jsonl")
    result_json = Below("result.json")
    checkpoints = Below("checkpoints")
    features = Below("cache")
    teacher_answers = Below("cache/teacher_answers.npz")
    best_weights = Below("best.weights.h5")
    backbone = Below("backbone")
    tensorboard = Below("tensorboard")
    trackers_json = Below("trackers.json")
    export = _MadeOf("export")
    evaluation_json = _MadeOf("evaluation.json")
    predictions = _MadeOf("predictions.npz")
    report_html = _MadeOf("report.html")
    charts = _MadeOf("charts")
    doubted_labels = _MadeOf("doubted_labels.csv")
    lock_file = Below(".lock")

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Give a path to write to; the file becomes `path` when the block ends well.

        Sub-folders are made as needed; the run folder itself is not.

        Raises:
            errors.RunDirError: where it cannot be written; `path` is as before.
        """
        with atomic_files.explaining(path):
            is_out = self.out is not None and path.is_relative_to(self.out)
            if is_out or (path.parent != self.path and self.path.is_dir()):
                path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_files.replacing(path) as temporary:
            yield temporary

    def beside(self, ending: str) -> Path:
        """Return a path beside the folder, called as it is and with an ending.

        Raises:
            errors.ConfigError: where the folder has no name, as the root has none.
        """
        path = self.path
        if path.name in ("", ".."):
            path = Path(os.path.abspath(path))
        if not path.name:
            raise errors.ConfigError(
                f"--run_dir={self.path}: expected a folder with a name."
            )
        return path.with_name(f"{path.name}{ending}")

    def check_writable(self) -> None:
        """Check that what is made of a finished run can be written.

        Raises:
            errors.RunDirError: where its folder is read-only.
        """
        place = self.out or self.path
        above = (place, *place.absolute().parents)
        there = next(one for one in above if os.path.exists(one))
        if os.access(there, os.W_OK):
            return
        if self.out is not None:
            raise errors.RunDirError(
                f"--out={self.out}: expected a folder that this user may write, "
                f"received one in {there}, which is not."
            )
        raise errors.RunDirError(
            f"{self.path} cannot be written by this user. --out=FOLDER puts what the "
            "command makes elsewhere."
        )

    def write_bytes(self, path: Path, content: bytes) -> None:
        """Write a file whole; raises like `replacing`."""
        with self.replacing(path) as temporary:
            temporary.write_bytes(content)

    def write_text(self, path: Path, content: str) -> None:
        """Write a UTF-8 file whole; raises like `replacing`."""
        self.write_bytes(path, content.encode())

    def write_json(self, path: Path, content: Any) -> None:
        """Write a JSON file whole; raises like `replacing`.

        Raises:
            ValueError: for NaN and infinity, which JSON has not; None stands for them.
        """
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        self.write_text(path, text + "\n")

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which no other process works in the folder.

        Raises:
            errors.RunDirError: on entry where one does, naming it.
        """
        return run_folder_lock.lock(self.lock_file)


def at(path: str) -> RunDir:
    """Return the run folder at a path that a user wrote."""
    return RunDir(user_paths.expand(path))


def of(settings: RunConfig) -> RunDir:
    """Return the run folder of a config: `--run_dir`, else `runs/DATASET-BACKBONE`."""
    return at(settings.run_dir or str(_default_path(settings)))


def _default_path(settings: RunConfig) -> Path:
    """Return the default path, with what a path does not take replaced."""
    names = [_path_safe(part) for part in (settings.dataset, settings.backbone)]
    return Path("runs", "-".join(filter(None, names)) or "run")


def _path_safe(text: str) -> str:
    name = re.sub(r"[^\w.-]+", "-", text).encode()[-_NAME_BYTES:]
    return name.decode(errors="ignore").strip("-.")


@contextlib.contextmanager
def claim(settings: RunConfig) -> Iterator[tuple[RunDir, Status]]:
    """Hold the run folder of a config for this process, made ready, and its status.

    A finished folder is neither locked nor written: it may be on a read-only disk.

    Raises:
        errors.RunDirError: see `find`; also where another process holds the folder.
    """
    run, status = find(settings)
    if status == "finished":
        yield run, status
        return
    _make_folder(run)
    with run.lock():
        atomic_files.remove_leftovers(run.path)
        # Another process may have been here since.
        yield prepare(settings)


def find(settings: RunConfig) -> tuple[RunDir, Status]:
    """Return the run folder of a config and how far it is, without writing anything.

    Raises:
        errors.RunDirError: where the folder is no run folder, is damaged, or is that of
            another config; the difference is in the message.
    """
    run = of(settings)
    with atomic_files.explaining(run.path):
        if not run.config_json.exists():
            _check_free(run)
            return run, "new"
    status: Status = "finished" if _is_finished(run) else "unfinished"
    differences = _differences(run, settings, may_move=status == "unfinished")
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise errors.RunDirError(
            f"{run.path} holds the {status} run of another config (old -> new):\n"
            f"{lines}\nChoose another --run_dir, or repeat the flags of that run: "
            f"{shlex.join((f'--flagfile={run.flags_cfg}', f'--run_dir={run.path}'))}"
        )
    return run, status


def _differences(run: RunDir, settings: RunConfig, *, may_move: bool) -> list[str]:
    kept = read_config(run)
    if kept.task != settings.task:
        return saved_config.differences(kept, settings)
    same = option_files.same_elsewhere(run.environment_json, kept, settings)
    return saved_config.differences(kept, settings, may_move=may_move, same=same)


def prepare(settings: RunConfig) -> tuple[RunDir, Status]:
    """Write config.json and flags.cfg; `claim` does it while it holds the folder.

    Where the data is said to lie elsewhere now, they keep the old place until
    `keep_config` is called, by who has compared the examples.

    Returns what `find` does, and raises what it raises.
    """
    run, status = find(settings)
    if status == "finished":
        return run, status
    _make_folder(run)
    if status == "unfinished":
        settings = saved_config.with_places_of(read_config(run), settings)
    keep_config(run, settings)
    return run, status


def keep_config(run: RunDir, settings: RunConfig) -> None:
    """Write config.json and flags.cfg; raises RunDirError where it cannot."""
    kept = dataclasses.replace(settings, run_dir=str(run.path))
    command = shlex.join(("python", "-m", "kft.train", f"--flagfile={run.flags_cfg}"))
    flags = f"# {command}\n\n{flagfile.format_flagfile(kept)}"
    # config.json comes first: it makes the folder a run folder.
    run.write_json(run.config_json, config.to_dict(kept))
    run.write_text(run.flags_cfg, flags)


def read_config(run: RunDir) -> RunConfig:
    """Return the config of a run.

    Raises:
        errors.RunDirError: where its file is missing or damaged, naming it.
    """
    return saved_config.read(run.config_json)


def read_labels(run: RunDir) -> LabelMap:
    """Return the classes of a run.

    Raises:
        errors.RunDirError: where labels.txt is missing or damaged.
    """
    return read_label_file(run.labels_txt)


def read_label_file(path: Path) -> LabelMap:
    """Return the classes that the labels.txt of a run names.

    Raises:
        errors.RunDirError: where the file is missing or damaged.
    """
    try:
        return LabelMap.parse(regular_file.read(path).decode())
    except (OSError, UnicodeDecodeError, errors.DataError) as error:
        raise errors.RunDirError(
            f"{path} is damaged: expected one class name per line; {error}. Restore "
            "the file from a copy."
        ) from error


def finished(path: str, *, out: str | None = None) -> RunDir:
    """Return the folder of a finished run, at a path that a user wrote.

    Args:
        path: of the folder.
        out: another one for what is made of the run; see `RunDir`.

    Raises:
        errors.RunDirError: where there is none, or it is damaged.
    """
    run = RunDir(user_paths.expand(path), user_paths.expand(out) if out else None)
    read_config(run)
    if not _is_finished(run):
        again = shlex.join((f"--flagfile={run.flags_cfg}", f"--run_dir={run.path}"))
        raise errors.RunDirError(
            f"{run.path} holds an unfinished run. Finish it first: "
            f"`python -m kft.train {again}`."
        )
    return run


def _make_folder(run: RunDir) -> None:
    with atomic_files.explaining(run.path):
        run.path.mkdir(parents=True, exist_ok=True)


def _check_free(run: RunDir) -> None:
    """Raise where a folder without config.json holds anything but traces of a start."""
    if not run.path.exists():
        return
    for entry in run.path.iterdir():
        if entry != run.lock_file and not atomic_files.is_leftover(entry):
            raise errors.RunDirError(
                f"{run.path} is no run folder of kft: it has no config.json, and it "
                f"is not empty ({entry.name}). Choose another --run_dir."
            )


def _is_finished(run: RunDir) -> bool:
    if not run.result_json.exists():
        return False
    return saved_config.read_json(run.result_json).get("status") == "finished"
