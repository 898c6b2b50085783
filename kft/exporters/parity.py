"""The certificate of an export: does it answer as the network does?

The same images go through the network in this process, and through the export in a
process that does not import kft: as raw bytes where the export takes these, so that
decoding and resizing are compared too, else as the pixels that the network sees.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors, exporters
from kft.data.examples import Examples
from kft.exporters import Quantize, Tolerance, samples, standalone_runner
from kft.exporters.serving_graph import ServingModel
from kft.metrics import scores

_TIMEOUT_SECONDS = 900
# For which each speed is measured.
_SECONDS = 1.0
_HEAVY = ("kft", "tensorflow", "keras")


class ParityError(errors.KftError):
    """An export that does not answer as the network does, or not at all."""


@dataclasses.dataclass(frozen=True, eq=False)
class ParityBatch:
    """Images, and what the network says of them.

    Attributes:
        ids: str [n].
        payloads: the encoded images.
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
class ParityReport:
    """How an export compares with the network it was made from.

    Attributes:
        export: path, relative to the folder of exports.
        quantize: how its numbers were made smaller.
        takes: what it was asked with: bytes (encoded images) or pixels.
        examples: how many images.
        top1_agreement: share for which both name the same class.
        largest_difference: of a probability, over all images and classes.
        mean_difference: likewise.
        tolerance: for `largest_difference`; None where there is none.
        accuracy: of the export, in [0, 1].
        network_accuracy: of the network, on the same images.
        megabytes: on disk.
        milliseconds_p50: for one image, median.
        milliseconds_p95: for one image, 95th percentile.
        images_per_second: in batches of 32.
        without: which of kft, tensorflow and keras its process did not import.
        passed: whether it answers as the network does.
        problem: why not; None where it does.
        temperature: what the logits are divided by in it.
        ece_before: expected calibration error of the run on its validation split, with
            temperature 1; None where it is not calibrated.
        ece_after: the same with the temperature.
    """

    export: str
    quantize: str
    takes: str
    examples: int
    top1_agreement: float
    largest_difference: float
    mean_difference: float
    tolerance: float | None
    accuracy: float
    network_accuracy: float
    megabytes: float
    milliseconds_p50: float
    milliseconds_p95: float
    images_per_second: float
    without: tuple[str, ...]
    passed: bool
    problem: str | None
    temperature: float = 1.0
    ece_before: float | None = None
    ece_after: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return dataclasses.asdict(self)


def make_batch(served: ServingModel, examples: Examples, count: int) -> ParityBatch:
    """Return up to `count` examples, spread evenly, and the network's answers.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    sample = samples.spread(examples, count)
    loaded = samples.load(served.run, sample)
    logits = served.run.model.predict_on_batch(loaded.images)
    return ParityBatch(
        ids=sample.ids,
        payloads=loaded.payloads,
        images=loaded.images,
        labels=sample.labels,
        probabilities=scores.softmax(logits / served.temperature),
    )


def certify(
    name: str, export: Path, questions: ParityBatch, quantize: Quantize
) -> ParityReport:
    """Ask an export what the network was asked, and compare.

    Args:
        name: of the format.
        export: what was written: the file or folder that is loaded.
        questions: with the network's answers.
        quantize: how it was made; decides what it has to reach.

    Raises:
        ParityError: where the export cannot be run.
    """
    exporter = exporters.EXPORTERS[name]
    bar = exporter.bars[quantize]
    answers = _ask(name, export, questions)
    difference = np.abs(answers["probabilities"] - questions.probabilities)
    agree = _top(answers["probabilities"]) == _top(questions.probabilities)
    problem = _problem(questions, answers["valid"], difference, bar)
    if problem is None and agree.mean() < bar.top1_agreement:
        problem = (
            f"it names the same class for {agree.mean():.2%} of {len(agree)} images "
            f"(at least {bar.top1_agreement:.0%} expected)"
        )
    hits = [
        float((_top(one) == questions.labels).mean())
        for one in (answers["probabilities"], questions.probabilities)
    ]
    return ParityReport(
        export=export.name,
        quantize=quantize,
        takes=exporter.takes,
        examples=len(questions.ids),
        top1_agreement=float(agree.mean()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        tolerance=bar.largest_difference,
        accuracy=hits[0],
        network_accuracy=hits[1],
        megabytes=round(_size(export) / 1e6, 3),
        milliseconds_p50=round(float(np.percentile(answers["milliseconds"], 50)), 3),
        milliseconds_p95=round(float(np.percentile(answers["milliseconds"], 95)), 3),
        images_per_second=round(float(answers["images_per_second"]), 1),
        without=tuple(
            package for package in _HEAVY if package not in answers["packages"]
        ),
        passed=problem is None,
        problem=problem,
    )


def _problem(
    questions: ParityBatch, valid: np.ndarray, difference: np.ndarray, bar: Tolerance
) -> str | None:
    if not valid.all():
        bad = questions.ids[~valid]
        return f"{len(bad)} images cannot be decoded by the export, such as {bad[0]}"
    if not np.isfinite(difference).all():
        return "it gives probabilities that are no numbers"
    tolerance = bar.largest_difference
    if tolerance is not None and difference.max() > tolerance:
        worst = questions.ids[difference.max(axis=-1).argmax()]
        return (
            f"a probability differs by {difference.max():.2g} (tolerance "
            f"{tolerance:g}), for {worst}"
        )
    return None


def _top(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.argmax(axis=-1)


def _ask(name: str, export: Path, questions: ParityBatch) -> dict[str, np.ndarray]:
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
        script = [sys.executable, "-P", standalone_runner.__file__]
        finished = subprocess.run(
            [*script, name, str(export), str(asked), str(answered), str(_SECONDS)],
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
                f"The export {export} cannot be run:\n{finished.stderr[-2000:]}"
            )
        with np.load(answered) as file:
            return dict(file)


def _size(export: Path) -> int:
    if export.is_file():
        return export.stat().st_size
    return sum(path.stat().st_size for path in export.rglob("*") if path.is_file())
