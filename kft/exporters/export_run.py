"""The exports of a finished run, each put into its place once it is proved."""

import contextlib
import dataclasses
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging

from kft import errors, exporters
from kft.cli import progress_bar, tables
from kft.cli.progress_bar import Advance, Bar
from kft.config import ExportConfig
from kft.data.examples import TRAIN, VALIDATION, Examples
from kft.data.sources import record_reader
from kft.evaluation import (
    calibrated_temperature,
    evaluate_run,
    load_run,
    run_split,
)
from kft.evaluation.load_run import LoadedRun, RunLoader
from kft.exporters import (
    Exporter,
    FormatOptions,
    Quantize,
    certificates,
    model_card,
    parity,
)
from kft.exporters.parity import MADE_UP, ParityBatch, ParityError, ParityReport
from kft.exporters.serving_model import ServingModel
from kft.exporters.standalone_process import StandaloneProcess, StandaloneProcesses
from kft.metrics import calibration
from kft.run_folder import atomic_files, export_versions
from kft.run_folder.run_dir import RunDir

# A draft that nothing was written to for so long is that of a process that is gone.
_ABANDONED_SECONDS = 24 * 3600


@dataclasses.dataclass(frozen=True)
class Export:
    """One format, written.

    Attributes:
        name: of the format, and how it is quantized.
        path: what is loaded: a file, or the folder of a version.
        certificate: how it compares with the network.
    """

    name: str
    path: Path
    certificate: ParityReport


def export_run(
    config: ExportConfig,
    *,
    loader: RunLoader | None = None,
    processes: StandaloneProcesses | None = None,
    bar: Bar = progress_bar.none,
) -> tuple[Export, ...]:
    """Write and check exports of a finished run, below export/ of its folder.

    It computes on the CPU, in float32: on another device, or in other types, the same
    weights do not give the same digits.

    Args:
        config: what to export, and how.
        loader: of that run, where others need it as well.
        processes: for the formats of `config`, where they were begun before.
        bar: shows how far it is, each format being written and then checked, and
            examples of a calibration.

    Raises:
        errors.ConfigError: for a format that does not exist.
        errors.DataError: where the examples of the run are gone.
        errors.RunDirError: where the folder is of no finished run, or full.
        ParityError: for exports that do not answer as the network does; they are not
            kept unless the config allows it.
    """
    exporters.check(config.formats, config.quantize)
    exporters.check_views(config.formats, config.tta)
    with contextlib.ExitStack() as stack:
        processes = processes or stack.enter_context(
            StandaloneProcesses(config.formats)
        )
        stack.enter_context(tf.device("CPU:0"))
        loader = loader or RunLoader(config.run_dir, data=config.data, out=config.out)
        run = load_run.with_views(loader.loaded("float32"), config.tta)
        # Another process may be writing there.
        atomic_files.remove_leftovers(
            run.run.export, untouched_seconds=_ABANDONED_SECONDS
        )
        examples, source = _examples(run, config)
        if config.calibrate:
            _calibrate(run, examples, bar)
        serving = ServingModel(run, calibrated_temperature.recorded(run.run))
        _check_formats(serving, config.formats)
        questions = parity.make_batch(
            serving, examples, config.parity_examples, source=source
        )
        _write_companions(run, config.formats)
        written = _exports(serving, questions, config, processes, bar)
        _warn_of_others(run.run, serving)
        model_card.write(serving, certificates.read(run.run))
    if not config.allow_disagreement:
        _check_answers(written)
    return tuple(written)


def _check_answers(exports: Sequence[Export]) -> None:
    """Check that all answer as the network does; raises ParityError."""
    failed = [one for one in exports if not one.certificate.passed]
    if failed:
        problems = "\n".join(
            f"{one.name}: {one.certificate.problem}." for one in failed
        )
        raise ParityError(
            f"These exports do not answer as the network does, and are not kept:\n"
            f"{problems}\nparity.json has the figures; --allow_disagreement keeps them."
        )


def _exports(
    serving: ServingModel,
    questions: ParityBatch,
    config: ExportConfig,
    processes: StandaloneProcesses,
    bar: Bar,
) -> list[Export]:
    """Write each format, and check it."""
    written = []
    with bar("formats, written and checked", 2 * len(config.formats)) as advance:
        for name in config.formats:
            with processes.next() as process:
                one = _export(serving, name, questions, config, process, advance)
            written.append(one)
    return written


def _check_formats(serving: ServingModel, formats: Sequence[str]) -> None:
    """Check that the network can be in these formats.

    Raises:
        errors.ConfigError: naming those that it cannot be in.
    """
    problems = {n: _unfit(serving, one) for n, one in exporters.EXPORTERS.items()}
    refused = {name: problems[name] for name in formats if problems[name]}
    if refused:
        able = [name for name, why in problems.items() if not why]
        reasons = "; ".join(f"not {name}, for {why}" for name, why in refused.items())
        raise errors.ConfigError(
            f"--formats: this network cannot be in all of {','.join(formats)}: "
            f"{reasons}. Possible with: {', '.join(able)}."
        )


def _unfit(serving: ServingModel, exporter: Exporter) -> str:
    """Return why the network cannot be in a format, an empty text where it can."""
    if exporter.takes == "tensors" and serving.tensors.needs_tensorflow:
        return "it goes on until its answer is whole, in a loop"
    return exporter.unfit(serving)


def _examples(run: LoadedRun, config: ExportConfig) -> tuple[Examples, str]:
    """Return what exports are asked, and what it is: a split, or `parity.MADE_UP`.

    It is of the validation split, or of training where there is none.
    """
    split = VALIDATION if run_split.has_split(run.run, VALIDATION) else TRAIN
    if config.calibrate and split != VALIDATION:
        raise errors.ConfigError(
            "--calibrate needs a validation split, and this run has none."
        )
    try:
        return run_split.of_split(run, split), split
    except run_split.ExamplesGoneError as error:
        if config.calibrate:
            raise
        logging.warning(
            "%s Without them, exports are checked on inputs that are made up, and "
            "nothing is said of their accuracy.",
            error,
        )
    return _made_up(run, config.parity_examples), MADE_UP


def _write_companions(run: LoadedRun, formats: Sequence[str]) -> None:
    """Write what callers of exports need beside them."""
    files = {"labels.txt": run.labels.text().encode()}
    if any(exporters.EXPORTERS[name].takes == "tensors" for name in formats):
        files.update(run.task.serving.companions())
    for name, content in files.items():
        run.run.write_bytes(run.run.export / name, content)


def _made_up(run: LoadedRun, count: int) -> Examples:
    payloads = run.task.serving.made_up(count)
    return Examples(
        ids=np.array([f"made up {number}" for number in range(count)]),
        labels=np.zeros(count, np.int32),
        rows=np.arange(count),
        read=record_reader.from_memory(payloads),
    )


def _calibrate(run: LoadedRun, examples: Examples, bar: Bar) -> None:
    """Fit the temperature of a run, and keep it with the run.

    Raises:
        errors.ConfigError: for a task that a temperature is not fitted for.
    """
    if run.other_labels:
        raise errors.ConfigError(
            "--calibrate fits a temperature to one class per example, and with "
            f"{run.other_labels} examples have other labels. Leave the flag out."
        )
    predictions = evaluate_run.predict(run, examples, bar=bar).of_classes
    if predictions is None:
        raise TypeError("expected examples of one class each, as the task has them")
    found = calibration.calibrate(predictions.logits, predictions.labels)
    calibrated_temperature.record(run.run, found)
    logging.info(
        "Temperature %.3f: expected calibration error %.4f before, %.4f after.",
        found.temperature,
        found.ece_before,
        found.ece_after,
    )


def _warn_of_others(run: RunDir, serving: ServingModel) -> None:
    """Name the exports that have another temperature inside than the run has now."""
    others = [
        name
        for name, one in certificates.read(run).items()
        if one["passed"] and one.get("temperature", 1.0) != serving.temperature
    ]
    if others:
        logging.warning(
            "These exports have another temperature than the run has now (%.3f): %s. "
            "Write them again to have the same probabilities everywhere.",
            serving.temperature,
            ", ".join(others),
        )


def _export(
    serving: ServingModel,
    name: str,
    questions: ParityBatch,
    config: ExportConfig,
    process: StandaloneProcess,
    advance: Advance,
) -> Export:
    """Write a format beside its place, check it there, and move it into place."""
    exporter = exporters.EXPORTERS[name]
    quantize = config.quantize if config.quantize in exporter.bars else "none"
    run, found = serving.run.run, serving.calibration
    target = place(run, name, quantize)
    with atomic_files.explaining(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    # TensorFlow Serving looks at folders whose name is a number only.
    draft = target.with_name(f".tmp-{uuid.uuid4().hex[:12]}{exporter.ending or ''}")
    try:
        with atomic_files.explaining(target):
            exporter.format.write(
                serving, draft, FormatOptions(quantize, config.onnx_opset)
            )
        advance(1)
        certificate = dataclasses.replace(
            parity.certify(name, draft, questions, quantize, process=process),
            export=str(target.relative_to(run.export)),
            temperature=serving.temperature,
            tta=serving.run.tta,
            ece_before=None if found is None else found.ece_before,
            ece_after=None if found is None else found.ece_after,
        )
        certificates.add(run, _key(name, quantize), certificate.to_json())
        if certificate.passed or config.allow_disagreement:
            with atomic_files.explaining(target):
                os.replace(draft, target)
            for file, text in exporter.beside(run.path.resolve().name, target).items():
                run.write_text(target.parent / file, text)
        advance(1)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        draft.unlink(missing_ok=True)
    return Export(_key(name, quantize), target, certificate)


def _key(name: str, quantize: Quantize) -> str:
    return name if quantize == "none" else f"{name}_{quantize}"


def place(run: RunDir, name: str, quantize: Quantize) -> Path:
    """Return where a format goes: its file, or the folder of the next version."""
    folder, ending = run.export / name, exporters.EXPORTERS[name].ending
    if ending is not None:
        return folder / f"{_key('model', quantize)}{ending}"
    versions = export_versions.numbered(folder)
    return folder / str(int(versions[-1].name) + 1 if versions else 1)


def table(exports: Sequence[Export]) -> Sequence[str]:
    """Return the lines that show the certificates of exports, for 80 columns."""
    lines = [
        f"{'format':14}  {'agreement':>9}  {'largest':>7}  {'accuracy':>8}  "
        f"{'MB':>6}  {'p50 ms':>6}  {'p95 ms':>6}  {'examples/s':>10}"
    ]
    for one in exports:
        c = one.certificate
        accuracy = tables.or_dash(c.accuracy, ".4f")
        lines.append(
            f"{one.name:14}  {c.top1_agreement:9.2%}  {c.largest_difference:7.1e}  "
            f"{accuracy:>8}  {c.megabytes:6.2f}  {c.milliseconds_p50:6.1f}  "
            f"{c.milliseconds_p95:6.1f}  {c.examples_per_second:10.1f}"
        )
    counts = sorted({one.certificate.examples for one in exports})
    if any(one.certificate.accuracy is not None for one in exports):
        compared = " or ".join(map(str, counts))
        lines.append(
            f"The accuracy is that of the {compared} examples that were compared, not "
            "that of the run."
        )
    if any(one.certificate.examples_from == MADE_UP for one in exports):
        lines.append(
            "The examples are made up, for those of the run are gone; kft.export takes "
            "--data=KIND:PLACE, where they are."
        )
    return lines
