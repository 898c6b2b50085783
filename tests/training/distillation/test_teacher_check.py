import dataclasses
import json
import shutil

import pytest

from kft import errors
from kft.config import (
    SpeechRecognitionConfig,
    TextClassificationConfig,
    TokenClassificationConfig,
    TrainConfig,
)
from kft.data.labels import LabelMap
from kft.training.distillation import teacher_check

NAMES = ("cyan", "magenta", "yellow")


@pytest.fixture
def teacher(finished_run, tmp_path):
    """Return the folder of a teacher that a test may change."""
    folder = tmp_path / "teacher"
    shutil.copytree(finished_run, folder, ignore=shutil.ignore_patterns("export"))
    return folder


def test_a_finished_run_of_the_same_task_is_a_teacher(finished_run):
    teacher_check.check(TrainConfig(teacher=str(finished_run)))
    teacher_check.check(TrainConfig())


@pytest.mark.parametrize(
    "options", [{"distillation_weight": 0.4}, {"distillation_temperature": 4.0}]
)
def test_options_of_a_teacher_need_one(options):
    with pytest.raises(errors.ConfigError, match=r"=(0\.4|4\.0) belongs to --teacher"):
        teacher_check.check(TrainConfig(**options))


@pytest.mark.parametrize(
    "config_class", [TokenClassificationConfig, SpeechRecognitionConfig]
)
def test_tasks_without_a_score_of_each_class_refuse_one(config_class, finished_run):
    config = config_class(teacher=str(finished_run), dataset="jsonl:x", backbone="x")
    with pytest.raises(errors.ConfigError) as caught:
        teacher_check.check(config)
    message = str(caught.value)
    assert f"the answers of --task={config.task} are others" in message
    assert "image_classification, text_classification, audio_classif" in message


def test_a_folder_of_no_finished_run_is_no_teacher(tmp_path, teacher):
    with pytest.raises(errors.ConfigError, match=r"--teacher=.*There is no run folder"):
        teacher_check.check(TrainConfig(teacher=str(tmp_path / "none")))
    (teacher / "result.json").unlink()
    with pytest.raises(errors.ConfigError, match=r"--teacher=.*an unfinished run"):
        teacher_check.check(TrainConfig(teacher=str(teacher)))


def test_a_run_of_another_task_is_no_teacher(finished_run):
    config = TextClassificationConfig(
        teacher=str(finished_run), dataset="csv:x", backbone="x"
    )
    with pytest.raises(
        errors.ConfigError, match="of --task=text_class.*one of --task=image_class"
    ):
        teacher_check.check(config)


@pytest.mark.parametrize("multi_label", [True, False])
def test_both_learn_one_class_or_both_several(teacher, multi_label):
    path = teacher / "config.json"
    kept = json.loads(path.read_text()) | {"multi_label": not multi_label}
    path.write_text(json.dumps(kept))
    config = TrainConfig(teacher=str(teacher), multi_label=multi_label)
    which = "with" if multi_label else "without"
    with pytest.raises(errors.ConfigError, match=f"a run {which} --multi_label"):
        teacher_check.check(config)
    teacher_check.check(dataclasses.replace(config, multi_label=not multi_label))


def test_classes_may_be_in_any_order(finished_run):
    config = TrainConfig(teacher=str(finished_run))
    assert teacher_check.column_order(config, LabelMap(NAMES)) == [0, 1, 2]
    shuffled = LabelMap(("yellow", "cyan", "magenta"))
    assert teacher_check.column_order(config, shuffled) == [2, 0, 1]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((*NAMES, "red"), "expected the 4 classes of .*it has not 'red'"),
        (NAMES[:2], "--dataset=digits has not 'yellow'"),
        (("cyan", "magenta", "red"), "it has not 'red'; --dataset=.* not 'yellow'"),
    ],
)
def test_other_classes_are_named(finished_run, names, message):
    config = TrainConfig(teacher=str(finished_run))
    with pytest.raises(errors.ConfigError, match=message):
        teacher_check.column_order(config, LabelMap(names))
