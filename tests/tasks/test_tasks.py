"""The table of tasks, and the half of each that needs no TensorFlow."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from kft import config, errors, tasks
from kft.config import AudioClassificationConfig, RunConfig, TrainConfig
from kft.data.labels import LabelMap
from tests.conftest import RunKft

NAMES = list(tasks.TASKS)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_called_alike_everywhere(name: str) -> None:
    kind = tasks.kind(name)
    assert kind.name == name
    assert kind.config_class().task == name
    assert kind.summary and not kind.summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_task_names_is_an_option_of_it(name: str) -> None:
    kind = tasks.kind(name)
    known = {field.name for field in dataclasses.fields(kind.config_class)}
    assert known.issuperset(kind.recipe_fields)
    assert kind.options.issuperset(kind.searchable)


@pytest.mark.parametrize("name", NAMES)
def test_a_config_comes_back_with_the_class_of_its_task(name: str) -> None:
    made = tasks.kind(name).config_class(seed=7)
    assert tasks.config_from_dict(config.to_dict(made)) == made


def test_no_common_option_is_one_of_images() -> None:
    assert tasks.kind("image_classification").options == {
        *("image_size", "max_pixels", "on_bad_image", "resize", "augment", "pooling"),
        *("multi_label", "label_columns", "scaling", "blocks", "backbone_output"),
    }


def test_common_options_name_no_kind_of_data() -> None:
    words = ("image", "picture", "pixel", "photo", "keras.applications")
    found = {
        field.name
        for field in dataclasses.fields(RunConfig)
        for word in words
        if word in field.metadata["help"].lower()
    }
    # Formats of files that hold images; their flags belong to a source.
    assert found <= {"tfrecord_features", "webdataset_members"}


def test_an_unknown_task_is_named_with_those_that_there_are() -> None:
    with pytest.raises(errors.ConfigError, match="received 'image_clasification'. Did"):
        tasks.kind("image_clasification")


def test_a_source_that_the_task_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(errors.ConfigError, match="digits, folder:PATH, csv:PATH, tfds"):
        tasks.check_dataset(TrainConfig(dataset="curves:7"))


def test_the_other_half_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from kft import tasks; from kft.config import TrainConfig; "
        "tasks.kind('image_classification').check(TrainConfig(weights='none')); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    labels = LabelMap(("a", "b"))
    assert tasks.get(TrainConfig(), labels).labels is labels


OUTSIDE = '''
"""A task of another package."""
import dataclasses
from typing import Literal
from kft import tasks
from kft.config import RunConfig
from kft.config.fields import option
from kft.tasks.task_kind import TaskKind

@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveConfig(RunConfig):
    """Curves."""
    task: Literal["curves"] = option("curves", "What the network learns to do.")
    dataset: str = option("curves:100", "Where the curves are.")
    backbone: str = option("three_layers", "The network.")
    width: int = option(3, "Channels.", minimum=1)

tasks.TASKS["curves"] = TaskKind(
    name="curves", summary="mark what rises", config_class=CurveConfig, sources={},
    blocks=lambda config: None, check=lambda config: None, module="none",
)
'''


def test_a_task_of_another_package_is_one_line_there(
    tmp_path: Path, run_kft: RunKft
) -> None:
    (tmp_path / "curve_task.py").write_text(OUTSIDE)
    env = {"KFT_TASKS": "curve_task"}
    run = tmp_path / "run"
    made = run_kft("train", "--help", "--task=curves", env=env, cwd=tmp_path)
    assert "--width=INT" in made.stdout and "--image_size" not in made.stdout
    refused = run_kft(
        *("train", "--task=curves", "--dataset=curves:9", "--width=0"),
        f"--run_dir={run}",
        env=env,
        cwd=tmp_path,
    )
    assert refused.stderr == "error: --width: expected at least 1, received 0.\n"
    assert refused.returncode == 2


def test_a_module_of_tasks_that_is_not_there_is_named(run_kft: RunKft) -> None:
    done = run_kft("train", "--seed=3", env={"KFT_TASKS": "no_such_task"})
    assert done.returncode == 2
    assert done.stderr.startswith("error: KFT_TASKS=no_such_task: there is no module")


@pytest.mark.parametrize(
    ("ending", "task"),
    [(".wav", "audio_classification"), (".txt", "text_classification")],
)
def test_data_of_another_task_gets_its_name(
    tmp_path: Path, ending: str, task: str
) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / f"0{ending}").write_bytes(b"x")
    with pytest.raises(errors.DataError) as caught:
        tasks.check_dataset(TrainConfig(dataset=f"folder:{tmp_path}"))
    assert str(caught.value).endswith(f"What is there is read by --task={task}.")


def test_data_that_no_task_reads_gets_no_name(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("path,label,split\na.jpg,cat,nowhere\n")
    with pytest.raises(errors.DataError) as caught:
        tasks.check_dataset(TrainConfig(dataset=f"csv:{tmp_path / 'table.csv'}"))
    assert "read by" not in str(caught.value)


def test_a_mistake_in_a_row_is_not_another_task(tmp_path: Path) -> None:
    # As a table of images, in which start is nothing, it is right.
    (tmp_path / "table.csv").write_text("path,label,start\na.wav,x,0:01\nb.wav,y,\n")
    config = AudioClassificationConfig(dataset=f"csv:{tmp_path / 'table.csv'}")
    with pytest.raises(errors.DataError, match="line 2: expected seconds") as caught:
        tasks.check_dataset(config)
    assert "read by" not in str(caught.value)


def test_a_task_without_views_names_those_that_have_some() -> None:
    said = "--task=text_classification, whose .* it is for image_classification"
    with pytest.raises(errors.ConfigError, match=said):
        tasks.check_views("text_classification", "flip")
    tasks.check_views("text_classification", None)


def test_views_that_there_are_not_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(errors.ConfigError, match="expected one of flip.* 'flop'"):
        tasks.check_views("image_classification", "flop")
