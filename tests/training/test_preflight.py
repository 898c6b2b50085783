"""What cannot work together is refused at once, all of it in one message."""

import dataclasses
from pathlib import Path

import pytest

from kft import errors
from kft.config import TrainConfig
from kft.run_folder import run_dir
from kft.training import preflight
from kft.workflows import train_run


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_CONFIG", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)


def _images(folder: Path, *names: str) -> str:
    """Return a data set of empty files: two classes, below split folders if named."""
    for parent in names or ("",):
        for label in ("cats", "dogs"):
            path = folder / parent / label / "1.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return f"folder:{folder}"


def _problems(config: TrainConfig) -> list[str]:
    with pytest.raises(errors.ConfigError) as caught:
        preflight.check(config)
    return str(caught.value).split("\n")


# What is given, and what the message says; without the first option all is well.
PAIRS = [
    ({"nesterov": True, "optimizer": "adam"}, "--nesterov belongs to --optimizer=sgd"),
    ({"nesterov": True, "momentum": 0.0}, "--nesterov needs --momentum above 0"),
    ({"momentum": 0.5, "optimizer": "adamw"}, "--momentum=0.5 belongs to"),
    ({"feature_cache": "disk", "augment": "flip"}, "--feature_cache=disk cannot keep"),
    (
        {"feature_cache": "memory", "augment": "standard"},
        "--feature_cache=memory cannot keep what --augment=standard",
    ),
    ({"cached_views": 3}, "--cached_views=3 needs --augment"),
    ({"augment": "standard,colour"}, "received 'colour' in 'standard,colour'"),
    (
        {"cached_views": 3, "augment": "flip,mixup"},
        "--cached_views=3: mixup of --augment need two images",
    ),
    (
        {"feature_cache": "disk", "augment": "mixup,cutmix"},
        "--feature_cache=disk: mixup and cutmix of --augment need",
    ),
    ({"batch_size": 33, "augment": "cutmix"}, "mixes: use --batch_size=32 or 34"),
    (
        {"devices": "cpu:4", "batch_size": 36, "augment": "mixup"},
        "the 4 devices that share a batch and the pairs that --augment mixes: use "
        "--batch_size=32 or 40",
    ),
    ({"distillation_weight": 0.4}, "--distillation_weight=0.4 belongs to --teacher"),
    ({"teacher": "nowhere"}, "--teacher=nowhere: expected the folder of a finished"),
    ({"class_weight": "balancd"}, "--class_weight: expected none, balanced, or the"),
    (
        {"cached_views": 3, "augment": "flip", "feature_cache": "off"},
        "--cached_views=3 has nothing to keep",
    ),
    (
        {"cache_dtype": "float16", "feature_cache": "off"},
        "--cache_dtype=float16 has nothing to keep",
    ),
    ({"cache_dir": "c", "feature_cache": "memory"}, "--cache_dir=c holds features on"),
    ({"cache_dir": "c", "feature_cache": "off"}, "--cache_dir=c holds features on"),
    ({"max_bad_fraction": 0.5}, "--max_bad_fraction=0.5 belongs to --on_bad_image"),
    ({"patience": 2, "validation_fraction": 0.0}, "--patience=2 waits for better"),
    ({"average": "last:1"}, "--average: expected none, last:K or best:K"),
    (
        {"average": "last:3", "stages": "head:2,all:2"},
        "--average=last:3 is of epochs of one stage, and no stage of",
    ),
    (
        {"average": "last:2", "validation_fraction": 0.0},
        "--average=last:2 keeps a mean that validates better",
    ),
    ({"accumulation_steps": 3}, "--batch_size=32 has to be a multiple of 3"),
    (
        {"accumulation_steps": 2, "batch_size": "auto"},
        "--batch_size=auto and --accumulation_steps=2",
    ),
    ({"deterministic": True, "batch_size": "auto"}, "--batch_size=auto depends on"),
    ({"strategy": "tpu", "batch_size": "auto"}, "--batch_size=auto looks for"),
    ({"stages": "all:1,head:1"}, "--stages: 'head' comes after 'all'"),
    ({"backbone": "ResNet5"}, "ResNet50"),
    ({"train_split": "train"}, "--train_split belongs to --dataset=tfds:NAME"),
    ({"csv_columns": ("path=x",)}, "--csv_columns belongs to --dataset=csv:"),
    ({"tfrecord_labels": "x"}, "--tfrecord_labels belongs to --dataset=tfrecord:"),
    (
        {"webdataset_labels": "x"},
        "--webdataset_labels belongs to --dataset=webdataset:",
    ),
]


@pytest.mark.parametrize(("given", "message"), PAIRS)
def test_options_that_can_not_work_together_are_refused(
    given: dict, message: str
) -> None:
    problems = _problems(TrainConfig(**given))
    assert len(problems) == 1
    assert message in problems[0]
    preflight.check(TrainConfig(**dict(list(given.items())[1:])))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"batch_size": "auto"},
        {"feature_cache": "disk", "cache_dir": "c", "cache_dtype": "float16"},
        {"feature_cache": "disk", "augment": "flip", "cached_views": 4},
        {"cache_dir": "c"},
        {"patience": 2},
        {"average": "best:3", "stages": "head:2,all:3"},
        {"on_bad_image": "skip", "max_bad_fraction": 0.5},
        {"optimizer": "rmsprop", "momentum": 0.5},
        {"nesterov": True},
        {"augment": "standard,color@0.2,randaugment,random_erasing,mixup,cutmix"},
        {"augment": "mixup", "feature_cache": "off"},
        {"class_weight": "balanced", "sampling": "balanced"},
        {"batch_size": 33, "accumulation_steps": 3},
        {"recipe": "auto", "accumulation_steps": 3},
        {"recipe": "auto", "devices": "cpu:3"},
        {"recipe": "auto", "cached_views": 2},
        {"recipe": "auto", "devices": "cpu:3", "augment": "mixup"},
    ],
)
def test_options_that_work_together_pass(given: dict) -> None:
    preflight.check(TrainConfig(**given))


def test_one_message_lists_all_problems(tmp_path: Path) -> None:
    config = TrainConfig(
        dataset=f"folder:{tmp_path / 'nothing'}",
        backbone="ResNet5",
        stages="head:0",
        optimizer="adam",
        nesterov=True,
        batch_size="auto",
        accumulation_steps=3,
        cached_views=2,
    )
    message = "\n".join(_problems(config))
    for part in (
        "--nesterov",
        "--cached_views=2",
        "--batch_size=auto and --accumulation_steps=3",
        "--stages",
        "ResNet50",
        "there is no folder",
    ):
        assert part in message


def test_a_problem_of_the_data_alone_stays_one(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    with pytest.raises(errors.DataError):
        preflight.check(TrainConfig(dataset=f"folder:{tmp_path}"))


def test_patience_needs_a_validation_split_of_the_folder(tmp_path: Path) -> None:
    alone = _images(tmp_path / "alone")
    split = _images(tmp_path / "split", "train", "val")
    options = {"patience": 1, "validation_fraction": 0.0}
    assert "--patience=1 waits" in _problems(TrainConfig(dataset=alone, **options))[0]
    preflight.check(TrainConfig(dataset=split, **options))
    table = "file_name,label\ncats/1.jpg,a\ndogs/1.jpg,b\n"
    (tmp_path / "alone" / "metadata.csv").write_text(table)
    preflight.check(TrainConfig(dataset=alone, **options))
    (tmp_path / "around").mkdir()
    (tmp_path / "alone").rename(tmp_path / "around" / "data")
    around = f"folder:{tmp_path / 'around'}"
    preflight.check(TrainConfig(dataset=around, **options))


def test_patience_waits_for_tensorflow_where_only_that_knows_the_splits() -> None:
    preflight.check(
        TrainConfig(dataset="tfds:mnist", patience=1, validation_fraction=0.0)
    )


@pytest.mark.parametrize("name", ["run_dir", "cache_dir"])
def test_a_folder_within_the_images_is_refused(tmp_path: Path, name: str) -> None:
    dataset = _images(tmp_path / "images")
    inside, beside = (str(tmp_path / n) for n in ("images/out", "images-out"))
    problems = _problems(TrainConfig(dataset=dataset, **{name: inside}))
    assert problems[0].startswith(f"--{name}={inside} lies in --dataset=")
    preflight.check(TrainConfig(dataset=dataset, **{name: beside}))


def test_default_folders_are_not_among_the_images_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _images(tmp_path / "images")
    monkeypatch.chdir(tmp_path / "images")
    problems = _problems(TrainConfig(dataset="folder:.", backbone="MobileNetV2"))
    assert problems[0].startswith("--run_dir=runs/folder-MobileNetV2 lies in --dataset")


def test_several_workers_can_not_look_for_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = '{"worker": ["a:1", "b:1"]}'
    task = '{"type": "worker", "index": 0}'
    monkeypatch.setenv("TF_CONFIG", f'{{"cluster": {cluster}, "task": {task}}}')
    problems = _problems(TrainConfig(batch_size="auto"))
    assert problems == [
        "--batch_size=auto tries steps in one process, and there are 2 workers "
        "(TF_CONFIG): give a number."
    ]


def test_training_refuses_an_export_that_does_not_exist_with_all_else() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        train_run.run(TrainConfig(export=("tflit",), cached_views=2))
    assert "There is no export format 'tflit'" in str(caught.value)
    assert "--cached_views=2" in str(caught.value)


def test_automatic_batches_are_not_of_what_only_this_process_has() -> None:
    config = TrainConfig(dataset="given:0123456789abcdef", batch_size="auto")
    problems = "\n".join(preflight._pairs(config))
    assert "does not have what was given as data=. Give a number." in problems
    assert not list(preflight._pairs(dataclasses.replace(config, batch_size=32)))


def test_a_finished_run_needs_neither_its_data_nor_its_files(tmp_path: Path) -> None:
    weights = tmp_path / "my.weights.h5"
    weights.touch()
    config = TrainConfig(
        dataset=_images(tmp_path / "images"),
        weights=str(weights),
        run_dir=str(tmp_path / "run"),
    )
    with run_dir.claim(config) as (run, _):
        pass
    weights.unlink()
    assert "--weights: there is no file" in _problems(config)[0]
    run.write_json(run.result_json, {"status": "finished"})
    preflight.check(config)
    other = dataclasses.replace(config, seed=3)
    assert "--weights: there is no file" in _problems(other)[0]
