"""A program that runs an export as a stranger would, and knows nothing of kft.

usage: python -P standalone_runner.py FORMAT PACKAGE < JOB

FORMAT is the path of the format's file, such as kft/exporters/onnx.py, of which
`open_export` is called. PACKAGE is what runs the format: it is imported at once, while
the export may still be written. JOB is a `Job` as JSON, which may come late; where none
comes, nothing is done.

Its `questions` is an .npz: raw requests as `requests` uint8 (all of them, one after the
other) and `lengths` int64 [n], or tensors [n, ...] by name below `inputs/`. `answers`
becomes an .npz: `scores` [n, ..., classes]; `valid` bool [n]; `milliseconds` [k] of
single questions; `examples_per_second` in batches of 32; and `packages`, the top-level
modules that are imported at the end.
"""

import importlib
import importlib.machinery
import importlib.util
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

BATCH = 32
# Single questions that the speed is measured by, also of a slow export.
_LEAST = 10
# Keras, which TensorFlow imports, looks for them, and no export asks for what it does
# with them: without them TensorFlow is there in half the time.
_NOT_NEEDED = ("matplotlib", "pandas", "scipy", "sklearn")
_INPUTS = "inputs/"
# Raw requests, or tensors [n, ...] by name.
Questions = Sequence[bytes] | Mapping[str, np.ndarray]
# Outputs by name, [n, ...] each.
Ask = Callable[[Questions], Mapping[str, np.ndarray]]


class Job(NamedTuple):
    """What is asked.

    Attributes:
        export: the file or folder of the export.
        scores: the output of the export, that has the scores.
        questions: path of an .npz.
        answers: path of an .npz that is written.
        seconds: about how long each of the two speeds is measured.
    """

    export: str
    scores: str
    questions: str
    answers: str
    seconds: float


def main(format_path: str, package: str) -> None:
    """Import what takes long, wait for a job, and do it."""
    # As the import system has it: None stands for a module that cannot be imported.
    sys.modules.update(dict.fromkeys(_NOT_NEEDED))  # type: ignore[arg-type]
    importlib.import_module(package)
    job = sys.stdin.read()
    if job:
        run(format_path, Job(**json.loads(job)))


def run(format_path: str, job: Job) -> None:
    """Answer all questions, then measure how fast the export is."""
    with np.load(job.questions) as file:
        questions, count = _questions(file)
    ask = _open(format_path, job.export)
    answers = [
        ask(_take(questions, range(start, min(start + BATCH, count))))
        for start in range(0, count, BATCH)
    ]
    everything = np.ones(count, bool)
    is_said = "valid" in answers[0]
    np.savez(
        job.answers,
        scores=_joined([one[job.scores] for one in answers]),
        valid=_joined([one["valid"] for one in answers]) if is_said else everything,
        milliseconds=_latencies(ask, questions, count, job.seconds),
        examples_per_second=_throughput(ask, questions, count, job.seconds),
        packages=sorted(
            {name.split(".")[0] for name, there in sys.modules.items() if there}
        ),
    )


def _open(format_path: str, export: str) -> Ask:
    """Return what asks an export, by the file of its format alone."""
    # Its own name might be that of a package that it needs.
    loader = importlib.machinery.SourceFileLoader("export_format", format_path)
    spec = importlib.machinery.ModuleSpec("export_format", loader, origin=format_path)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    ask: Ask = module.open_export(export)
    return ask


def _questions(file: Mapping[str, np.ndarray]) -> tuple[Questions, int]:
    """Return the questions and their number."""
    if "requests" in file:
        ends = np.cumsum(file["lengths"])
        data = file["requests"].tobytes()
        return [data[a:b] for a, b in itertools.pairwise([0, *ends])], len(ends)
    tensors = {
        name.removeprefix(_INPUTS): file[name]
        for name in file
        if name.startswith(_INPUTS)
    }
    return tensors, len(next(iter(tensors.values())))


def _take(questions: Questions, rows: Sequence[int]) -> Questions:
    if isinstance(questions, Mapping):
        return {name: tensor[list(rows)] for name, tensor in questions.items()}
    return [questions[row] for row in rows]


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays [n, ...] as one; fewer steps are filled up with zeros."""
    if parts[0].ndim < 3:
        return np.concatenate(parts)
    steps = max(part.shape[1] for part in parts)
    rest = [(0, 0)] * (parts[0].ndim - 2)
    return np.concatenate(
        [np.pad(part, [(0, 0), (0, steps - part.shape[1]), *rest]) for part in parts]
    )


def _latencies(
    ask: Ask, questions: Questions, count: int, seconds: float
) -> list[float]:
    """Return the milliseconds of single questions, for about that many seconds.

    Of a slow export it takes longer: there are at least `_LEAST`.
    """
    ask(_take(questions, [0]))
    found, start = [], time.perf_counter()
    for row in itertools.cycle(range(count)):
        question = _take(questions, [row])
        before = time.perf_counter()
        ask(question)
        now = time.perf_counter()
        found.append(1000 * (now - before))
        if now - start > seconds and len(found) >= _LEAST:
            break
    return found


def _throughput(ask: Ask, questions: Questions, count: int, seconds: float) -> float:
    """Return examples per second in batches, over about that many seconds."""
    batch = _take(questions, [row % count for row in range(BATCH)])
    ask(batch)
    start, passed, batches = time.perf_counter(), 0.0, 0
    while passed <= seconds:
        ask(batch)
        batches += 1
        passed = time.perf_counter() - start
    return BATCH * batches / passed


if __name__ == "__main__":
    main(*sys.argv[1:])
