import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from kft import errors
from kft.evaluation import load_run
from kft.run_folder import run_dir


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _unfinish(run: Path) -> None:
    (run / "result.json").unlink()


def _add_class(run: Path) -> None:
    with open(run / "labels.txt", "a") as file:
        file.write("green\n")


def _break_numbers(run: Path) -> None:
    with h5py.File(run / "best.weights.h5", "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        datasets = [file[n] for n in names if isinstance(file[n], h5py.Dataset)]
        kernel = next(one for one in datasets if one.ndim == 4)
        kernel[0, 0, 0, 0] = np.nan


DAMAGES = {
    "no numbers": (_break_numbers, "best.weights.h5 holds numbers that are none"),
    "unfinished": (_unfinish, "unfinished run"),
    "no weights": (lambda run: (run / "best.weights.h5").unlink(), "best.weights.h5"),
    "cut weights": (lambda run: _cut_off(run / "best.weights.h5"), "best.weights.h5"),
    "text as weights": (
        lambda run: (run / "best.weights.h5").write_text("hello"),
        "best.weights.h5",
    ),
    "no labels": (lambda run: (run / "labels.txt").unlink(), "labels.txt"),
    "other labels": (_add_class, "best.weights.h5"),
    "no config": (lambda run: (run / "config.json").unlink(), "config.json"),
    "cut config": (lambda run: _cut_off(run / "config.json"), "config.json"),
    "no folder": (shutil.rmtree, "run"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_an_error_that_names_the_file(
    damage: str, finished_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    do: Callable[[Path], None]
    do, named = DAMAGES[damage]
    do(run)
    with pytest.raises(errors.RunDirError, match=named):
        load_run.load(str(run))


def test_a_run_folder_may_be_moved(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "elsewhere")
    loaded = load_run.load(str(run))
    assert loaded.run.path == run
    assert loaded.labels.names == ("cyan", "magenta", "yellow")


def test_loading_for_an_export_computes_in_float32(
    finished_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    values = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**values, "precision": "bfloat16"}))
    layer = "logits"
    loader = load_run.RunLoader(str(run))
    as_trained, exported = loader.loaded().model, loader.loaded("float32").model
    assert as_trained.layers[3].compute_dtype == "bfloat16"
    assert {one.compute_dtype for one in exported.layers} == {"float32"}
    kernels = [m.get_layer(layer).kernel.numpy() for m in (as_trained, exported)]
    assert (kernels[0] == kernels[1]).all()


def test_who_needs_a_run_too_gets_the_one_that_is_loaded(finished_run: Path) -> None:
    loader = load_run.loader_of(run_dir.at(str(finished_run)), data="folder:moved")
    loaded = loader.loaded()
    assert loaded is loader.loaded() is loader.loaded("float32")
    assert loaded.data == "folder:moved"
