"""The check of `--teacher` and what belongs to it. No TensorFlow."""

import dataclasses
from collections.abc import Iterator

from kft import errors, tasks
from kft.config import DistillationConfig, RunConfig
from kft.data.labels import LabelMap
from kft.run_folder import run_dir
from kft.run_folder.run_dir import RunDir

_SHOWN = 5


def check(config: RunConfig) -> None:
    """Check that there is a teacher, and that it is one for this run.

    Its classes are compared with those of the data later, by `column_order`.

    Raises:
        errors.ConfigError: naming everything that is wrong.
    """
    problems = [*_problems(config)]
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _problems(config: RunConfig) -> Iterator[str]:
    if config.teacher is None:
        yield from _without_teacher(config)
        return
    flag = f"--teacher={config.teacher}"
    if not tasks.kind(config.task).scores_classes:
        able = [name for name, one in tasks.known().items() if one.scores_classes]
        yield (
            f"{flag}: a teacher is asked for a score of each class, once for each "
            f"example, and the answers of --task={config.task} are others. Leave it "
            f"out; it is for {', '.join(able)}."
        )
        return
    try:
        kept = run_dir.read_config(run_dir.finished(config.teacher))
    except errors.RunDirError as error:
        yield f"{flag}: expected the folder of a finished run. {error}"
        return
    if kept.task != config.task:
        yield (
            f"{flag}: expected a run of --task={config.task}, which reads the same "
            f"examples, received one of --task={kept.task}."
        )
    elif kept.is_multi_label != config.is_multi_label:
        with_it = "with" if config.is_multi_label else "without"
        yield (
            f"{flag}: expected a run {with_it} --multi_label as this one is, received "
            "one that learned otherwise how many classes an example has."
        )


def _without_teacher(config: RunConfig) -> Iterator[str]:
    for field in dataclasses.fields(DistillationConfig):
        value = getattr(config, field.name)
        if value != field.default:
            yield (
                f"--{field.name}={value} belongs to --teacher: name the run folder of "
                "a teacher, or leave it out."
            )


def teacher_run(config: RunConfig) -> RunDir:
    """Return the folder of the teacher.

    Raises:
        errors.RunDirError: where it is none of a finished run.
        ValueError: where there is no teacher.
    """
    if config.teacher is None:
        raise ValueError("expected a run with --teacher")
    return run_dir.finished(config.teacher)


def column_order(config: RunConfig, labels: LabelMap) -> list[int]:
    """Return for each class of this run which of the teacher's it is, by its name.

    Args:
        config: with a teacher.
        labels: the classes of this run, in index order.

    Raises:
        errors.ConfigError: where the classes are not the same.
        errors.RunDirError: where the teacher's folder is damaged.
    """
    run = teacher_run(config)
    names = run_dir.read_labels(run).names
    missing = [name for name in labels.names if name not in names]
    others = [name for name in names if name not in labels.names]
    if missing or others:
        parts = [
            f"{what} {errors.listed(map(repr, found), most=_SHOWN)}"
            for what, found in (
                ("it has not", missing),
                (f"--dataset={config.dataset} has not", others),
            )
            if found
        ]
        raise errors.ConfigError(
            f"--teacher={config.teacher}: expected the {len(labels)} classes of "
            f"--dataset={config.dataset}, in any order, received {len(names)} in "
            f"{run.labels_txt}: {'; '.join(parts)}. Name a teacher of the same classes."
        )
    return [names.index(name) for name in labels.names]
