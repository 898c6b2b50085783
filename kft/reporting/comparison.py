"""Runs side by side: what differs between them, and whether it means anything."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kft import errors
from kft.cli import tables
from kft.config import RunConfig, flagfile, user_paths
from kft.evaluation import evaluate_run, metric_tables
from kft.evaluation.evaluate_run import Evaluation
from kft.metrics import significance
from kft.metrics.figures import Figure
from kft.pages import render
from kft.reporting import data_match, run_record, sections
from kft.reporting.data_match import Data
from kft.reporting.run_record import RunRecord
from kft.run_folder import atomic_files, regular_file, run_dir

SIGNIFICANT = 0.05
# Of a page, with its mark in them.
_HEAD_BYTES = 1024


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        name: short, and different from those of the others.
        folder: its path.
        record: what its folder says.
        split: that it is judged by.
        examples: how many it has.
        figures: on that split, the most asked for first.
        hits: for each example's id and the name of its class, whether it is recognised;
            None where examples have other labels than one class.
    """

    name: str
    folder: str
    record: RunRecord
    split: str
    examples: int
    figures: tuple[Figure, ...]
    hits: Mapping[tuple[str, str], bool] | None


@dataclasses.dataclass(frozen=True)
class ComparedPair:
    """Two runs on the examples that both were judged by.

    Attributes:
        first, second: names of the runs.
        both, only_first, only_second, neither: examples that are recognised by them.
        p_value: McNemar's, corrected for the number of pairs; None without examples.
        data: whether it is the same; of other data no example is shared.
        has_hits: whether an example of both is recognised or is not.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float | None
    data: Data
    has_hits: bool = True

    @property
    def shared(self) -> int:
        """Return the number of examples."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def difference(self) -> float | None:
        """Return the accuracy of the second minus that of the first."""
        if not self.shared:
            return None
        return (self.only_second - self.only_first) / self.shared

    @property
    def verdict(self) -> str:
        """Return what it means, in one sentence."""
        if self.data == "other":
            return (
                f"{self.first} and {self.second} are not compared: their data is not "
                "the same (the data fingerprints differ)."
            )
        if not self.has_hits:
            return (
                f"Whether {self.first} and {self.second} differ by more than chance is "
                "not tested: that takes examples that have one class each."
            )
        difference = self.difference
        if self.p_value is None or difference is None:
            return f"{self.first} and {self.second} share no examples to compare on."
        better, worse = self.first, self.second
        if self.only_second > self.only_first:
            better, worse = worse, better
        counts = (
            f"{self.only_first:,} examples only {self.first} gets right, "
            f"{self.only_second:,} only {self.second}, of {self.shared:,}"
            f"{' that both splits have' if self.data == 'split anew' else ''}; "
            f"p = {self.p_value:.2g}"
        )
        if self.p_value < SIGNIFICANT:
            return (
                f"{better} is better than {worse} by {abs(100 * difference):.1f} "
                f"points ({counts})."
            )
        return (
            f"Between {self.first} and {self.second} no difference is shown: "
            f"{render.points(difference)} points may be chance ({counts})."
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A page that is written, and what it says."""

    path: Path
    runs: tuple[ComparedRun, ...]
    pairs: tuple[ComparedPair, ...]


def compare(folders: Sequence[str], output: str) -> Comparison:
    """Write a page about runs, whole or not at all.

    Args:
        folders: of at least two finished runs.
        output: path of the page.

    Raises:
        errors.ConfigError: where no page can be at `output`.
        errors.DataError: where a run's predictions are not kept and its data is gone.
        errors.RunDirError: where a folder is of no finished run, or has nothing to be
            judged by, or the page cannot be written.
    """
    names, mark = _names(folders), _mark(folders)
    path = _page(output, mark)
    runs = tuple(map(_read, folders, names))
    pairs = tuple(compared_pairs(runs))
    values = {
        "mark": mark,
        "runs": runs,
        "columns": tuple(columns(runs)),
        "pairs": pairs,
        "tested": tuple(pair for pair in pairs if pair.has_hits),
        "differences": tuple(differences([run.record.config for run in runs])),
        "charts": sections.comparison_curves([(r.name, r.record) for r in runs]),
    }
    atomic_files.write(
        path, render.render(__package__, "compare.html", values).encode()
    )
    return Comparison(path, runs, pairs)


def _mark(folders: Sequence[str]) -> str:
    """Return the line that a page about these runs has, and no other file."""
    places = sorted(str(run_dir.at(folder).path.resolve()) for folder in folders)
    digest = hashlib.sha256("\0".join(places).encode("utf-8", "surrogateescape"))
    return f"kft-comparison {digest.hexdigest()}"


def _page(output: str, mark: str) -> Path:
    """Return where the page goes; its folder is made.

    Raises:
        errors.ConfigError: where no page can be, or something else is there than an
            earlier page about the same runs.
    """
    path = user_paths.expand(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.ConfigError(
            f"--output={output}: its folder cannot be made: {error.strerror}."
        ) from error
    if path.is_dir():
        raise errors.ConfigError(
            f"--output={output}: expected the path of a page, received a folder."
        )
    if path.exists() and not _is_earlier(path, mark):
        raise errors.ConfigError(
            f"--output={output}: {path} is there already, and is no comparison of "
            "these runs. It stays as it is: choose another --output, or a folder with "
            "--out."
        )
    return path


def _is_earlier(path: Path, mark: str) -> bool:
    """Return whether a page with this mark is at a path."""
    try:
        with regular_file.opened(path) as file:
            return mark.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _names(folders: Sequence[str]) -> list[str]:
    """Return the last parts of the paths, as many as tell them apart."""
    parts = [run_dir.at(folder).path.resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    raise errors.ConfigError(
        f"--compare: expected different run folders, received {', '.join(folders)}."
    )


def _read(folder: str, name: str) -> ComparedRun:
    run = run_dir.at(folder)
    record = run_record.read(run)
    split = evaluate_run.judging_split(run)
    if split is None:
        raise errors.RunDirError(
            f"{run.path} has neither validation nor test examples, so it cannot be "
            "compared. Leave it out."
        )
    evaluation = evaluate_run.of_split(run, split)
    return ComparedRun(
        name=name,
        folder=folder,
        record=record,
        split=split,
        examples=len(evaluation.predictions),
        figures=tuple(evaluation.figures.headline()),
        hits=_hits(evaluation),
    )


def columns(runs: Sequence[ComparedRun]) -> Iterator[tuple[str, list[Figure | None]]]:
    """Yield the titles of the figures that are compared, with those of each run.

    They are the first that each run's task puts first, the loss, and what has chosen
    the weights.
    """
    titles: dict[str, str] = {}
    for run in runs:
        chosen = {
            run.figures[0].name,
            run.record.result.metric,
        }
        for one in run.figures:
            if one.name in (*chosen, "loss"):
                titles.setdefault(one.name, one.title)
    for name, title in titles.items():
        yield title, [_named(run.figures, name) for run in runs]


def _named(figures: Sequence[Figure], name: str) -> Figure | None:
    return next((one for one in figures if one.name == name), None)


def _hits(evaluation: Evaluation) -> Mapping[tuple[str, str], bool] | None:
    found, names = evaluation.predictions.of_classes, evaluation.source.classes
    if found is None:
        return None
    return {
        (str(name), names[label]): bool(label == answer)
        for name, label, answer in zip(
            found.ids, found.labels, found.predicted, strict=True
        )
    }


def compared_pairs(runs: Sequence[ComparedRun]) -> Iterator[ComparedPair]:
    """Yield each two of the runs, with p values corrected for their number."""
    pairs = [_pair(first, second) for first, second in itertools.combinations(runs, 2)]
    tested = [pair for pair in pairs if pair.shared]
    values = [significance.mcnemar(p.only_first, p.only_second) for p in tested]
    corrected = iter(significance.holm(values))
    for pair in pairs:
        value = next(corrected) if pair.shared else None
        yield dataclasses.replace(pair, p_value=value)


def _pair(first: ComparedRun, second: ComparedRun) -> ComparedPair:
    data = data_match.judge(first.record, second.record)
    has_hits = first.hits is not None and second.hits is not None
    of_first, of_second = first.hits or {}, second.hits or {}
    shared = [] if data == "other" else sorted(of_first.keys() & of_second.keys())
    a = np.array([of_first[key] for key in shared], bool)
    b = np.array([of_second[key] for key in shared], bool)
    return ComparedPair(
        first=first.name,
        second=second.name,
        both=int((a & b).sum()),
        only_first=int((a & ~b).sum()),
        only_second=int((~a & b).sum()),
        neither=int((~a & ~b).sum()),
        p_value=None,
        data=data,
        has_hits=has_hits,
    )


def differences(
    configs: Sequence[RunConfig],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the options that are not the same in all configs, with their values.

    An option that only the tasks of some of them have is a dash in the others.
    """
    every = [{f.name: vars(c)[f.name] for f in dataclasses.fields(c)} for c in configs]
    for name in dict.fromkeys(itertools.chain(*every)):
        texts = tuple(_text(own[name]) if name in own else "–" for own in every)
        if name != "run_dir" and len(set(texts)) > 1:
            yield name, texts


def _text(value: Any) -> str:
    return flagfile.format_value(value) or "(empty)"


def table(found: Comparison) -> Sequence[str]:
    """Return the lines that show a comparison in a terminal."""
    width = max(len("run"), *(len(run.name) for run in found.runs))
    title = " / ".join(dict.fromkeys(run.figures[0].title for run in found.runs))
    lines = [f"{'run':{width}}  {title:<9}  95% interval          time"]
    for run in found.runs:
        first = run.figures[0]
        value = tables.or_dash(first.value, ".4f")
        time = render.duration(run.record.result.seconds)
        lines.append(
            f"{run.name:{width}}  {value:<{max(9, len(title))}}  "
            f"{metric_tables.interval(first.interval):<20}  {time}"
        )
    lines.append("")
    for name, values in differences([run.record.config for run in found.runs]):
        lines.append(f"--{name}: {' | '.join(values)}")
    return [*lines, "", *(pair.verdict for pair in found.pairs)]
