"""Checks before anything is loaded, with all that cannot work in one message."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kft import errors, tasks
from kft.config import RunConfig, averaging, user_paths
from kft.config import stages as config_stages
from kft.config.stages import HEAD
from kft.data import class_weights
from kft.data.examples import VALIDATION
from kft.data.sources import given, metadata_files, split_words
from kft.distribution import batch_sharing, cluster
from kft.run_folder import data_place, overlap, run_dir
from kft.training.distillation import teacher_check

Check = Callable[[RunConfig], None]


def check(config: RunConfig, *, also: Sequence[Check] = ()) -> None:
    """Check everything that can be known without TensorFlow.

    Args:
        config: of the run.
        also: checks of what comes after training; they raise ConfigError.

    Raises:
        errors.ConfigError: listing every problem, not only the first.
        errors.DataError: where the data set is the only problem.
    """
    _check_all(config, (*_OPTION_CHECKS, _check_dataset, *also))


def with_data_found(config: RunConfig) -> RunConfig:
    """Return the config with its data where it lies now, for a run that goes on.

    Several workers have to say themselves where it is, all the same.
    """
    if cluster.find(config, os.environ) is not None:
        return config
    return data_place.located(config)


def check_options(config: RunConfig) -> None:
    """Check what can be known without looking at the data set either.

    Raises:
        errors.ConfigError: listing every problem, not only the first.
    """
    _check_all(config, _OPTION_CHECKS)


def _check_all(config: RunConfig, checks: Sequence[Check]) -> None:
    problems = [*_pairs(config)]
    data_problem = None
    # A finished run has kept what it needs: files and data may be gone.
    left_out = (
        (_check_task, _check_formats, _check_dataset, teacher_check.check)
        if _is_finished(config)
        else ()
    )
    for one in (check for check in checks if check not in left_out):
        try:
            one(config)
        except errors.ConfigError as error:
            problems.append(str(error))
        except errors.DataError as error:
            data_problem = error
    if data_problem and not problems:
        raise data_problem
    if data_problem:
        problems.append(str(data_problem))
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _check_stages(config: RunConfig) -> None:
    stages = config.parsed_stages
    blocks = tasks.kind(config.task).blocks(config)
    if blocks is not None:
        config_stages.check_stages(stages, blocks)
    if config.lora_rank is not None and {s.unfreeze for s in stages} == {HEAD}:
        raise errors.ConfigError(
            f"--lora_rank={config.lora_rank} is of unfrozen blocks, and "
            f"--stages={config.stages} unfreezes none: add one, such as top2:3@1e-2."
        )


def _check_average(config: RunConfig) -> None:
    average = config.parsed_average
    if config.recipe == "auto":
        return  # It has yet to choose the stages.
    longest = max(stage.epochs for stage in config.parsed_stages)
    if average is not None and longest < average.count:
        raise errors.ConfigError(
            f"--average={config.average} is of epochs of one stage, and no stage of "
            f"--stages={config.stages} has {average.count}: give more epochs, or a "
            "smaller number."
        )


def _check_dataset(config: RunConfig) -> None:
    tasks.check_dataset(config)


def _check_task(config: RunConfig) -> None:
    tasks.kind(config.task).check(config)


def _is_finished(config: RunConfig) -> bool:
    try:
        return run_dir.find(config)[1] == "finished"
    except errors.RunDirError:
        return False  # Told by who claims the folder.


def _check_formats(config: RunConfig) -> None:
    refused = tasks.kind(config.task).without_formats(config)
    problems = [
        f"--export={name}: {refused[name]}, which {name} does not take. Leave it out."
        for name in config.export
        if name in refused
    ]
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _check_workers(config: RunConfig) -> None:
    found = cluster.find(config, os.environ)
    if config.batch_size == "auto":
        if found is not None:
            raise errors.ConfigError(
                "--batch_size=auto tries steps in one process, and there are "
                f"{found.num_workers} workers ({found.source}): give a number."
            )
        return
    # `--recipe=auto` has yet to choose a batch that fits.
    if config.recipe != "auto":
        batch_sharing.check(config, cluster.known_replicas(config, found))


_OPTION_CHECKS: tuple[Check, ...] = (
    _check_workers,
    _check_stages,
    _check_average,
    _check_task,
    _check_formats,
    class_weights.check,
    teacher_check.check,
)


def _pairs(config: RunConfig) -> Iterable[str]:
    """Yield what is wrong with two options together."""
    yield from _optimizer_pairs(config)
    if config.recipe != "auto":
        # Else what is given may go well with what is yet to be chosen.
        yield from _cache_pairs(config)
    yield from _data_pairs(config)
    if config.batch_size == "auto":
        yield from _auto_batch_pairs(config)


def _optimizer_pairs(config: RunConfig) -> Iterable[str]:
    optimizer = config.optimizer
    if config.nesterov and optimizer != "sgd":
        yield f"--nesterov belongs to --optimizer=sgd, received {optimizer}."
    if config.nesterov and optimizer == "sgd" and not config.momentum:
        yield "--nesterov needs --momentum above 0."
    if optimizer not in ("sgd", "rmsprop") and not _is_default(config, "momentum"):
        yield (
            f"--momentum={config.momentum} belongs to --optimizer=sgd or rmsprop, "
            f"received {optimizer}, which does not read it."
        )


def _cache_pairs(config: RunConfig) -> Iterable[str]:
    cache, views = config.feature_cache, config.cached_views
    option = config.augment_option
    # What the check of the task refuses with or without views is not to be said twice.
    can_mend = config.is_augmented and views is None and not config.mixes_pairs
    if option and cache in ("memory", "disk") and can_mend:
        yield (
            f"--feature_cache={cache} cannot keep what --{option}="
            f"{getattr(config, option)} makes anew in every epoch: use "
            "--cached_views=V to keep V views of each example in turn, "
            f"--{option}=none, or --feature_cache=auto."
        )
    if views is not None and not config.is_augmented:
        needed = f"--{option}" if option else "augmentation"
        yield (
            f"--cached_views={views} needs {needed}: without it all views of an "
            "example are the same."
        )
    if cache == "off":
        for name in ("cached_views", "cache_dtype"):
            if not _is_default(config, name):
                yield (
                    f"--{name}={getattr(config, name)} has nothing to keep with "
                    "--feature_cache=off."
                )
    if cache in ("off", "memory") and config.cache_dir is not None:
        yield (
            f"--cache_dir={config.cache_dir} holds features on disk, and "
            f"--feature_cache={cache} puts none there: use disk or auto."
        )


def _data_pairs(config: RunConfig) -> Iterable[str]:
    option = config.bad_example_option
    if not config.skips_bad_examples and not _is_default(config, "max_bad_fraction"):
        needed = f"--{option}=skip" if option else "tasks that skip bad examples"
        yield (
            f"--max_bad_fraction={config.max_bad_fraction} belongs to {needed}; "
            "otherwise the first bad example ends the run."
        )
    if config.patience is not None and _never_validates(config):
        yield (
            f"--patience={config.patience} waits for better figures of validation, "
            f"and --validation_fraction=0 leaves --dataset={config.dataset} without "
            "validation examples: raise the fraction, or leave patience out."
        )
    if config.average != averaging.NONE and _never_validates(config):
        yield (
            f"--average={config.average} keeps a mean that validates better, and "
            f"--validation_fraction=0 leaves --dataset={config.dataset} without "
            "validation examples: raise the fraction, or leave average out."
        )
    if config.assert_accuracy_at_least is not None and _never_validates(config):
        yield (
            f"--assert_accuracy_at_least={config.assert_accuracy_at_least} is about "
            "validation examples, and --validation_fraction=0 leaves "
            f"--dataset={config.dataset} without any: raise the fraction."
        )
    folders = {"run_dir": str(run_dir.of(config).path), "cache_dir": config.cache_dir}
    for name, path in folders.items():
        problem = overlap.problem(name, path, config.dataset)
        if problem is not None:
            yield problem


def _auto_batch_pairs(config: RunConfig) -> Iterable[str]:
    if config.dataset.startswith(f"{given.KIND}:"):
        yield (
            "--batch_size=auto tries batches in a process of its own, which does not "
            "have what was given as data=. Give a number."
        )
    if config.accumulation_steps > 1:
        yield (
            f"--batch_size=auto and --accumulation_steps={config.accumulation_steps}: "
            "auto finds what trains in one piece. Give a number to train more."
        )
    if config.deterministic:
        yield (
            "--batch_size=auto depends on the memory that is free, so --deterministic "
            "cannot keep its promise: give a number."
        )
    if config.strategy == "tpu":
        yield (
            "--batch_size=auto looks for the memory of GPUs and CPUs, not for that of "
            "--strategy=tpu: give a number."
        )


def _is_default(config: RunConfig, name: str) -> bool:
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    return bool(getattr(config, name) == defaults[name])


def _never_validates(config: RunConfig) -> bool:
    """Return whether there are no validation examples, as far as is known by now.

    TensorFlow's data sets may bring a split of their own; so may remote folders.
    """
    kind, _, folder = config.dataset.partition(":")
    if config.validation_fraction:
        return False
    source = tasks.kind(config.task).sources.get(kind)
    if source is not None and not source.names_splits:
        return True
    path = user_paths.expand(folder)
    return kind == "folder" and path.is_dir() and not _has_validation(path)


def _has_validation(path: Path) -> bool:
    """Return whether a folder of examples may have a validation split."""
    if metadata_files.may_name_splits(str(path)):
        return True
    return any(
        split_words.within_name(found.name) == VALIDATION
        for pattern in ("*", "*/*")
        for found in path.glob(f"{pattern}/")
    )
