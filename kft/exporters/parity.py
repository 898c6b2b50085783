"""The certificate of an export: does it answer as the network does?

The same pictures go through the network in this process, and as raw bytes through the
export in a process that does not import kft. What is compared includes decoding and
resizing.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.data.examples import Examples
from kft.evaluation import metrics
from kft.evaluation.trained import Trained
from kft.exporters import Exporter, outside

_TIMEOUT_SECONDS = 900


class ParityError(errors.KftError):
    """An export that does not answer as the network does, or not at all."""


@dataclasses.dataclass(frozen=True, eq=False)
class Questions:
    """Pictures, and what the network says of them.

    Attributes:
        ids: str [n].
        payloads: the encoded pictures.
        images: uint8 [n, size, size, 3], the same, as the network sees them.
        labels: int32 [n], the truth.
        probabilities: float [n, classes], of the network.
    """

    ids: np.ndarray
    payloads: tuple[bytes, ...]
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


@dataclasses.dataclass(frozen=True)
class Certificate:
    """How an export compares with the network it was made from.

    Attributes:
        export: path, relative to the folder of exports.
        takes: what it was asked with: bytes (encoded pictures) or pixels.
        examples: how many pictures.
        top1_agreement: share for which both name the same class.
        largest_difference: of a probability, over all pictures and classes.
        mean_difference: likewise.
        tolerance: for `largest_difference`.
        accuracy: of the export, in [0, 1].
        network_accuracy: of the network, on the same pictures.
        megabytes: on disk.
        milliseconds_p50: for one picture, median.
        milliseconds_p95: for one picture, 95th percentile.
        images_per_second: in batches of 32.
        passed: whether it answers as the network does.
        problem: why not; None where it does.
    """

    export: str
    takes: str
    examples: int
    top1_agreement: float
    largest_difference: float
    mean_difference: float
    tolerance: float
    accuracy: float
    network_accuracy: float
    megabytes: float
    milliseconds_p50: float
    milliseconds_p95: float
    images_per_second: float
    passed: bool
    problem: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return dataclasses.asdict(self)


def pose(run: Trained, examples: Examples, count: int) -> Questions:
    """Return up to `count` examples, spread evenly, and the network's answers.

    Raises:
        errors.DataError: where an example can not be read.
    """
    chosen = np.linspace(0, len(examples) - 1, min(count, len(examples)))
    sample = examples.take(np.unique(chosen.round().astype(np.int64)))
    preprocess = run.task.preprocess(training=False)
    no_key = tf.zeros([2], tf.int64)
    try:
        payloads = sample.read(tf.constant(sample.rows)).numpy()
        reading = tf.data.Dataset.from_tensor_slices(payloads).map(
            lambda payload: preprocess(payload, no_key),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        images = np.stack(list(reading.as_numpy_iterator()))
    except tf.errors.OpError as error:
        raise errors.DataError(f"An example can not be read: {error}") from error
    logits = run.model.predict_on_batch(images)
    return Questions(
        ids=sample.ids,
        payloads=tuple(payloads),
        images=images,
        labels=sample.labels,
        probabilities=metrics.softmax(logits),
    )


def certify(
    name: str, exporter: Exporter, export: Path, questions: Questions
) -> Certificate:
    """Ask an export what the network was asked, and compare.

    Args:
        name: of the format.
        exporter: its tolerance.
        export: what was written: the file or folder that is loaded.
        questions: with the network's answers.

    Raises:
        ParityError: where the export can not be run.
    """
    answers = _ask(name, export, questions)
    difference = np.abs(answers["probabilities"] - questions.probabilities)
    agree = _top(answers["probabilities"]) == _top(questions.probabilities)
    problem = _problem(questions, answers["valid"], difference, exporter.tolerance)
    return Certificate(
        export=export.name,
        takes=exporter.takes,
        examples=len(questions.ids),
        top1_agreement=float(agree.mean()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        tolerance=exporter.tolerance,
        accuracy=float((_top(answers["probabilities"]) == questions.labels).mean()),
        network_accuracy=float(
            (_top(questions.probabilities) == questions.labels).mean()
        ),
        megabytes=round(_size(export) / 1e6, 3),
        milliseconds_p50=round(float(np.percentile(answers["milliseconds"], 50)), 3),
        milliseconds_p95=round(float(np.percentile(answers["milliseconds"], 95)), 3),
        images_per_second=round(float(answers["images_per_second"]), 1),
        passed=problem is None,
        problem=problem,
    )


def _problem(
    questions: Questions, valid: np.ndarray, difference: np.ndarray, tolerance: float
) -> str | None:
    if not valid.all():
        bad = questions.ids[~valid]
        return f"{len(bad)} pictures can not be decoded by the export, such as {bad[0]}"
    if not difference.max() <= tolerance:
        worst = questions.ids[difference.max(axis=-1).argmax()]
        return (
            f"a probability differs by {difference.max():.2g} (tolerance "
            f"{tolerance:g}), for {worst}"
        )
    return None


def _top(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.argmax(axis=-1)


def _ask(name: str, export: Path, questions: Questions) -> dict[str, np.ndarray]:
    """Return what `outside` says, run by the same Python in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="kft-parity-") as folder:
        asked, answered = Path(folder, "questions.npz"), Path(folder, "answers.npz")
        np.savez(
            asked,
            payloads=np.frombuffer(b"".join(questions.payloads), np.uint8),
            lengths=np.array([len(p) for p in questions.payloads], np.int64),
            images=questions.images,
        )
        # -P keeps kft's own folder off the path, where names of other packages occur.
        script = [sys.executable, "-P", outside.__file__]
        finished = subprocess.run(
            [*script, name, str(export), str(asked), str(answered)],
            # This process may hold all memory of the GPU, and another device would not
            # give the same digits.
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if finished.returncode:
            raise ParityError(
                f"The export {export} can not be run:\n{finished.stderr[-2000:]}"
            )
        with np.load(answered) as file:
            return dict(file)


def _size(export: Path) -> int:
    if export.is_file():
        return export.stat().st_size
    return sum(path.stat().st_size for path in export.rglob("*") if path.is_file())
