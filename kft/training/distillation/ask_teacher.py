"""The teacher of a run, asked once about every training example.

It reads the examples as it did in its own training, unaugmented. So its answers are the
same in every epoch, and are kept until the run is finished: a run that goes on learns
from the same numbers.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from kft import tasks
from kft.data import pipeline
from kft.data.examples import TEST, TRAIN, VALIDATION, Examples, Splits
from kft.data.ragged import Ragged
from kft.distribution.batch_sharing import BatchShare
from kft.distribution.replicas import Devices
from kft.model.network import Network
from kft.run_folder import (
    history,
    option_files,
    regular_file,
    run_dir,
    split_csv,
)
from kft.run_folder.run_dir import RunDir
from kft.tasks.task import Task
from kft.tasks.traced_inputs import TracedInputs
from kft.training import kept_weights, skip_bad_examples
from kft.training.distillation import teacher_answers, teacher_check
from kft.training.distillation.teacher_answers import TeacherAnswers
from kft.training.evaluator import Evaluator
from kft.training.run_context import RunContext

# The same for every run, whatever its devices: kernels may round differently for
# another number of rows.
_ROWS = 32


def ask(context: RunContext, splits: Splits) -> RunContext:
    """Return the run with the answers of its teacher; as it is where it has none.

    The chief asks, all workers learn the same numbers.

    Args:
        context: of the run, whose network is built: so a network begins with the
            weights that it would begin with alone.
        splits: the examples as they are encoded.

    Raises:
        errors.KftError: for a teacher that cannot be asked.
        errors.Interrupted: after a signal, where there is one worker.
    """
    config, devices = context.config, context.devices
    if config.teacher is None:
        return context
    with devices.together("ask the teacher"):
        order = teacher_check.column_order(config, splits.labels)
        key = _key(context, splits)
    if devices.num_workers > 1:
        devices.require_equal({f"--teacher={config.teacher}": key})

    def work() -> bytes:
        kept = _kept(context, key)
        if kept is not None:
            return kept
        with skip_bad_examples.naming(context), context.io.startup.part("teacher"):
            answers = _ask(context, splits, order)
        content = teacher_answers.pack(answers, key)
        context.run.write_bytes(context.run.teacher_answers, content)
        return content

    answers = teacher_answers.unpack(devices.from_chief(work), key)
    if answers is None:
        raise ValueError("expected the answers that the chief has packed")
    return dataclasses.replace(context, teacher=answers)


def _key(context: RunContext, splits: Splits) -> str:
    """Return a digest of the teacher and of what it is asked about."""
    facts = [
        option_files.digest(teacher_check.teacher_run(context.config).path),
        splits.fingerprint,
        splits.labels.names,
        splits.train.ids.tolist(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _kept(context: RunContext, key: str) -> bytes | None:
    """Return what the run has kept of the teacher's answers; None where it has not."""
    path = context.run.teacher_answers
    try:
        content = regular_file.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        logging.warning("%s: the teacher is asked again: %s.", path, error)
        return None
    if teacher_answers.unpack(content, key) is None:
        logging.warning(
            "%s is damaged, or has answers to something else: the teacher is asked "
            "again.",
            path,
        )
        return None
    return content


@dataclasses.dataclass(frozen=True)
class _Teacher:
    """A finished run that is asked.

    Attributes:
        run: its folder.
        task: how it reads examples.
        network: with the weights that it kept.
        order: for each class of the run that learns, which of the teacher's it is.
    """

    run: RunDir
    task: Task
    network: Network
    order: list[int]

    def with_its_labels(self, examples: Examples) -> Examples:
        """Return examples with labels in the order of its classes.

        Raises:
            ValueError: for labels that are none of classes.
        """
        labels = examples.labels
        if isinstance(labels, Ragged):
            raise ValueError("expected labels of classes")
        if labels.ndim == 1:
            own = np.array(self.order, labels.dtype)[labels]
        else:
            own = np.empty_like(labels)
            own[:, self.order] = labels
        return dataclasses.replace(examples, labels=own)


def _ask(context: RunContext, splits: Splits, order: list[int]) -> TeacherAnswers:
    """Ask the teacher about training and validation, and say what came of it."""
    teacher = _load(context, order)
    _warn_of_leaks(context, teacher.run, splits)
    parts = {"": splits.train}
    if splits.validation is not None and len(splits.validation):
        parts[history.VALIDATION] = splits.validation
    counts = {prefix: len(part) for prefix, part in parts.items()}
    figures: dict[str, float] = {}
    logits: dict[str, np.ndarray] = {}
    with context.io.reporter.epoch("teacher, once", sum(counts.values())) as bar:
        for prefix, part in parts.items():
            before = sum(counts[one] for one in logits)

            def advance(count: int, before: int = before) -> None:
                bar.update(before + count, {})
                # With several workers the chief alone is here, and cannot ask others.
                if context.devices.num_workers == 1:
                    context.io.signals.check()

            found, logits[prefix] = _measure(teacher, part, advance)
            figures |= history.prefixed(prefix, found)
    context.io.reporter.say(_describe(context, counts, figures))
    return TeacherAnswers(logits[""], figures)


def _load(context: RunContext, order: list[int]) -> _Teacher:
    """Return the teacher with its weights, which computes as the run does."""
    run = teacher_check.teacher_run(context.config)
    config = dataclasses.replace(run_dir.read_config(run), run_dir=str(run.path))
    task = tasks.get(config, run_dir.read_labels(run), run=run)
    network = task.network(weights="none")
    kept_weights.load(network.model, run)
    return _Teacher(run, task, network, order)


def _measure(
    teacher: _Teacher, examples: Examples, advance: Callable[[int], None]
) -> tuple[dict[str, float], np.ndarray]:
    """Return figures of a teacher, and its logits by the classes of the run.

    Args:
        teacher: to ask.
        examples: of one split, as they are encoded.
        advance: told how many examples have been read; it may raise to end the pass.
    """
    task = teacher.task
    prepared = task.inputs.prepare(teacher.with_its_labels(examples))
    batches = pipeline.eval_batches(
        prepared,
        TracedInputs(task.inputs).preprocess(training=False),
        share=BatchShare(batch_size=_ROWS),
        boundaries=task.inputs.boundaries,
    )

    def counted() -> Iterator[Any]:
        for number, batch in enumerate(batches, start=1):
            yield batch
            advance(min(number * _ROWS, len(examples)))

    evaluator = Evaluator(
        task, teacher.network.model, devices=Devices(tf.distribute.get_strategy())
    )
    figures, logits = evaluator.measure(prepared, counted())
    if isinstance(logits, Ragged):
        raise ValueError("expected a teacher with one output for each example")
    return figures, logits[:, teacher.order].astype(np.float32)


def _warn_of_leaks(context: RunContext, teacher: RunDir, splits: Splits) -> None:
    """Warn where the teacher has trained on what judges the run."""
    judging = splits.parts()
    trained = {row.id for row in split_csv.read(teacher) if row.split == TRAIN}
    for name in (VALIDATION, TEST):
        ids = judging[name].ids.tolist() if name in judging else []
        seen = sum(one in trained for one in ids)
        if seen:
            logging.warning(
                "--teacher=%s has trained on %s of the %s %s examples of this run, so "
                "their figures flatter it and, through it, this run.",
                context.config.teacher,
                f"{seen:,}",
                f"{len(ids):,}",
                name,
            )


def _describe(
    context: RunContext, counts: Mapping[str, int], figures: Mapping[str, float]
) -> str:
    """Return what was asked, and how right the answers are."""
    metric = context.task.objective.monitor
    names = {"": "training", history.VALIDATION: VALIDATION}
    parts = [
        f"{count:,} {names[prefix]} examples "
        f"({metric.name} {figures[prefix + metric.name]:{metric.format}})"
        for prefix, count in counts.items()
    ]
    return (
        f"--teacher={context.config.teacher} was asked once about "
        f"{' and '.join(parts)}."
    )
