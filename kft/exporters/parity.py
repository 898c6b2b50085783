"""The certificate of an export: does it answer as the network does?

The same examples go through the network in this process, and through the export in a
process that does not import kft: as raw bytes where the export takes these, so that
what it makes of them is compared too, else as the tensors that the network reads.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors, exporters
from kft.data import examples as examples_lib
from kft.data import sample
from kft.data.examples import Examples
from kft.data.ragged import Ragged
from kft.evaluation.load_run import LoadedRun
from kft.exporters import (
    Quantize,
    Tolerance,
    serving_model,
)
from kft.exporters.serving_model import ServingModel
from kft.exporters.standalone_process import StandaloneProcess

# For which each speed is measured.
_SECONDS = 0.5
_HEAVY = ("kft", "tensorflow", "keras")


# What exports are asked where the examples of the run are gone.
MADE_UP = "made up"


class ParityError(errors.KftError):
    """An export that does not answer as the network does."""


@dataclasses.dataclass(frozen=True, eq=False)
class ParityBatch:
    """Examples, and what the network says of them.

    Attributes:
        ids: str [n].
        requests: the encoded examples.
        tensors: [n, ...] by name, the same, as the network reads them.
        labels: int32 [n], the truth; None where it is not one class per example.
        scores: float [n, ..., classes], of the network; zeros where there is no answer.
        output: of an export, that is compared with them.
        source: split of the run that the examples are of, or `MADE_UP`.
        magnified: factor on the tolerance, see `kft.tasks.task.Endpoint`.
        agreement: from these scores and those of an export to `top1_agreement`, see
            `kft.tasks.task.Serving`.
    """

    ids: np.ndarray
    requests: tuple[bytes, ...]
    tensors: Mapping[str, np.ndarray]
    labels: np.ndarray | None
    scores: np.ndarray
    output: str
    source: str
    magnified: float
    agreement: Callable[[np.ndarray, np.ndarray], float]


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """How an export compares with the network it was made from.

    Attributes:
        export: path, relative to the folder of exports.
        quantize: how its numbers were made smaller.
        takes: what it was asked with: bytes (raw requests) or tensors.
        examples: how many.
        top1_agreement: share of answers in which both say the same: name the same
            class, or where several are said, share of these that both say.
        largest_difference: of a score, over all examples and classes.
        mean_difference: likewise, where there is an answer.
        tolerance: for `largest_difference`; None where there is none.
        accuracy: of the export, in [0, 1]; None where labels are not one class per
            example.
        network_accuracy: of the network, on the same examples.
        megabytes: on disk.
        milliseconds_p50: for one example, median.
        milliseconds_p95: for one example, 95th percentile.
        examples_per_second: in batches of 32.
        without: which of kft, tensorflow and keras its process did not import.
        passed: whether it answers as the network does.
        problem: why not; None where it does.
        examples_from: the split of the run that they are of, or `made up`.
        temperature: what the logits are divided by in it.
        ece_before: expected calibration error of the run on its validation split, with
            temperature 1; None where it is not calibrated.
        ece_after: the same with the temperature.
        tta: name of the views that it answers with the mean over; None for none.
    """

    export: str
    quantize: str
    takes: str
    examples: int
    top1_agreement: float
    largest_difference: float
    mean_difference: float
    tolerance: float | None
    accuracy: float | None
    network_accuracy: float | None
    megabytes: float
    milliseconds_p50: float
    milliseconds_p95: float
    examples_per_second: float
    without: tuple[str, ...]
    passed: bool
    problem: str | None
    examples_from: str = examples_lib.VALIDATION
    temperature: float = 1.0
    ece_before: float | None = None
    ece_after: float | None = None
    tta: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            # An answer may be no number, which JSON has not.
            name: None if value != value else value
            for name, value in dataclasses.asdict(self).items()
        }


def make_batch(
    served: ServingModel,
    examples: Examples,
    count: int,
    *,
    source: str = examples_lib.VALIDATION,
) -> ParityBatch:
    """Return up to `count` examples, spread evenly, and the network's scores.

    Args:
        served: the network.
        examples: of the run, or made up.
        count: most of them.
        source: what they are; see `ParityBatch`.

    Raises:
        errors.DataError: naming the example that cannot be read.
    """
    task = served.run.task
    chosen = sample.spread(examples, count)
    preprocess = served.run.preprocess(training=False)
    prepared = task.inputs.prepare(chosen)
    loaded = sample.load(prepared, preprocess)
    inputs = sample.stack(loaded, task.inputs.spec, task.inputs.boundaries)
    outputs = _known_outputs(served.run, chosen, source)
    if outputs is None:
        outputs = served.run.model.predict_on_batch(inputs)
    found = task.serving.network_scores(outputs, inputs, temperature=served.temperature)
    return ParityBatch(
        ids=chosen.ids,
        requests=sample.payloads(chosen),
        tensors=serving_model.by_name(inputs, served.tensors),
        labels=_labels(chosen, source),
        scores=found,
        output=served.scores,
        source=source,
        magnified=served.tensors.magnified,
        agreement=task.serving.agreement,
    )


def _known_outputs(
    run: LoadedRun, examples: Examples, source: str
) -> np.ndarray | None:
    """Return the outputs of the network that the run has in memory, [n, ...].

    None where it has none, or has rows of different length.
    """
    found = run.predictions(source)
    if found is None or isinstance(found.logits, Ragged):
        return None
    places = {name: place for place, name in enumerate(found.ids)}
    return found.logits[[places[name] for name in examples.ids]]


def _labels(examples: Examples, source: str) -> np.ndarray | None:
    """Return the truth, None where it is not known or not one array."""
    labels = examples.labels
    return labels if isinstance(labels, np.ndarray) and source != MADE_UP else None


def certify(
    name: str,
    export: Path,
    questions: ParityBatch,
    quantize: Quantize,
    *,
    process: StandaloneProcess,
) -> ParityReport:
    """Ask an export what the network was asked, and compare.

    Args:
        name: of the format.
        export: what was written: the file or folder that is loaded.
        questions: with the network's scores.
        quantize: how it was made; decides what it has to reach.
        process: of the format, that was asked nothing yet.

    Raises:
        ExportFailedError: where the export cannot be run.
    """
    exporter = exporters.EXPORTERS[name]
    bar = exporter.bars[quantize].magnified(questions.magnified)
    answers = process.ask(
        export, _arrays(exporter, questions), output=questions.output, seconds=_SECONDS
    )
    own, found = _padded(questions.scores, answers["scores"])
    difference = np.abs(found - own)
    is_answer = own.any(axis=-1)
    agreement = questions.agreement(own, found)
    problem = _problem(questions, answers["valid"], difference, bar)
    if problem is None and agreement < bar.top1_agreement:
        problem = (
            f"it says the same in {agreement:.2%} of {is_answer.sum()} answers (at "
            f"least {bar.top1_agreement:.0%} expected)"
        )
    return ParityReport(
        export=export.name,
        quantize=quantize,
        takes=exporter.takes,
        examples=len(questions.ids),
        top1_agreement=agreement,
        largest_difference=float(difference.max()),
        mean_difference=float(difference[is_answer].mean()),
        tolerance=bar.largest_difference,
        accuracy=_accuracy(found, questions.labels),
        network_accuracy=_accuracy(own, questions.labels),
        megabytes=round(_size(export) / 1e6, 3),
        milliseconds_p50=round(float(np.percentile(answers["milliseconds"], 50)), 3),
        milliseconds_p95=round(float(np.percentile(answers["milliseconds"], 95)), 3),
        examples_per_second=round(float(answers["examples_per_second"]), 1),
        without=tuple(
            package for package in _HEAVY if package not in answers["packages"]
        ),
        passed=problem is None,
        problem=problem,
        examples_from=questions.source,
    )


def _problem(
    questions: ParityBatch, valid: np.ndarray, difference: np.ndarray, bar: Tolerance
) -> str | None:
    if not valid.all():
        bad = questions.ids[~valid]
        return f"{len(bad)} examples cannot be read by the export, such as {bad[0]}"
    if not np.isfinite(difference).all():
        return "it gives scores that are no numbers"
    tolerance = bar.largest_difference
    if tolerance is not None and difference.max() > tolerance:
        of_example = difference.reshape(len(difference), -1).max(axis=-1)
        return (
            f"a score differs by {difference.max():.2g} (tolerance {tolerance:g}), for "
            f"{questions.ids[of_example.argmax()]}"
        )
    return None


def _padded(*scores: np.ndarray) -> list[np.ndarray]:
    """Return scores with as many steps each, of those that have steps.

    How far a batch is filled up differs between the network and an export.
    """
    steps = max(one.shape[1] for one in scores)
    return [
        one
        if one.ndim < 3
        else np.pad(
            one, [(0, 0), (0, steps - one.shape[1])] + [(0, 0)] * (one.ndim - 2)
        )
        for one in scores
    ]


def _top(scores: np.ndarray) -> np.ndarray:
    ids: np.ndarray = scores.argmax(axis=-1)
    return ids


def _accuracy(scores: np.ndarray, labels: np.ndarray | None) -> float | None:
    """Return the share of hits, None where there is not one class per example."""
    if labels is None or labels.ndim != 1 or scores.ndim != 2:
        return None
    return float((_top(scores) == labels).mean())


def _arrays(exporter: exporters.Exporter, questions: ParityBatch) -> dict[str, Any]:
    """Return the questions as the standalone runner reads them."""
    if exporter.takes == "tensors":
        return {f"inputs/{name}": one for name, one in questions.tensors.items()}
    return {
        "requests": np.frombuffer(b"".join(questions.requests), np.uint8),
        "lengths": np.array([len(one) for one in questions.requests], np.int64),
    }


def _size(export: Path) -> int:
    if export.is_file():
        return export.stat().st_size
    return sum(path.stat().st_size for path in export.rglob("*") if path.is_file())
