"""The words and numbers of a report, from values that are there already."""

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from kft.config import RunConfig, flagfile
from kft.evaluation.evaluate_run import Evaluation
from kft.metrics.figures import Figure, Figures
from kft.pages import render
from kft.reporting import charts
from kft.reporting.charts import LineChart, Series
from kft.reporting.run_record import RunRecord
from kft.run_folder.history import VALIDATION, EpochRecord
from kft.tasks.task import Inputs

_SHOWN_DIGITS = 12
# Of the figures that a task puts first; more say the same again.
_TILES = 4


@dataclasses.dataclass(frozen=True)
class Tile:
    """A figure of the evaluation.

    Attributes:
        name: key in evaluation.json.
        title: what it is called.
        value: as evaluation.json has it; None where it is not defined.
        text: how it is shown.
        note: what belongs to it.
    """

    name: str
    title: str
    value: float | None
    text: str
    note: str


def tiles(figures: Figures) -> Iterator[Tile]:
    """Yield the first figures of an evaluation about all examples that have a value."""
    for one in _first(figures):
        note = one.note
        if one.interval is not None:
            note = f"95%: {render.interval(one)}"
        yield Tile(one.name, one.title, one.value, render.value(one), note)


def other_figures(evaluation: Evaluation) -> Iterator[Tile]:
    """Yield the other figures and numbers that evaluation.json has."""
    headline, first = evaluation.figures.headline(), _first(evaluation.figures)
    for one in (figure for figure in headline if figure not in first):
        yield Tile(one.name, one.title, one.value, render.value(one), one.note)
    known = {"examples", *(one.name for one in headline)}
    for name, value in evaluation.figures.to_json().items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and name not in known:
            text = f"{value:,}" if isinstance(value, int) else render.figure(value)
            yield Tile(name, title(name), value, text, "")


def _first(figures: Figures) -> Sequence[Figure]:
    return [one for one in figures.headline() if one.value is not None][:_TILES]


def title(name: str) -> str:
    """Return what a figure of a task is called, such as val_loss or macro_f1."""
    if name.startswith(VALIDATION):
        return f"validation {title(name.removeprefix(VALIDATION))}"
    return name.replace("_", " ")


def facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield name and text of what a reader needs to repeat a run, or to trust it."""
    config, environment = record.config, record.environment
    sizes = ", ".join(
        f"{record.split_sizes[side]:,} {side}"
        for side in ("train", "validation", "test")
        if record.split_sizes.get(side)
    )
    packages = environment.get("packages", {})
    fingerprint = environment.get("data_fingerprint") or ""
    yield "command", shlex.join(_typed(environment.get("command", ())))
    yield "finished", f"{record.finished:%Y-%m-%d %H:%M} UTC"
    yield "time", render.duration(record.result.seconds)
    parts = (record.result.startup_seconds or {}).items()
    if parts:
        yield "start-up", ", ".join(f"{n} {render.duration(s)}" for n, s in parts)
    yield "network", f"{config.backbone}, weights from {config.weights_origin}"
    yield "stages", config.stages
    if config.teaching:
        yield "teacher", config.teaching
    yield "data", f"{config.dataset}: {sizes}; {len(record.labels)} classes"
    yield "split", f"{record.split_id} (SHA-256 of split.csv)"
    yield "data fingerprint", fingerprint[:_SHOWN_DIGITS] or "not recorded"
    yield "seed", str(config.seed)
    yield (
        "versions",
        ", ".join(
            f"{name} {version or 'not installed'}" for name, version in packages.items()
        ),
    )
    yield "Python", f"{environment.get('python')} on {environment.get('platform')}"
    yield "devices", ", ".join(environment.get("devices", ()))
    yield "precision", str(environment.get("dtype_policy"))
    for name, value in record.result.test.items():
        yield f"test {title(name)}", render.figure(value)


def _typed(command: Sequence[str]) -> Sequence[str]:
    """Return what to type for a command whose first part is the file that ran."""
    if not command:
        return ["python"]
    file, *arguments = command
    path = PurePath(file)
    if path.name == "kft":
        return ["kft", *arguments]
    if path.parent.name != "kft" or path.suffix != ".py":
        return ["python", *command]
    module = "kft" if path.stem == "__main__" else f"kft.{path.stem}"
    return ["python", "-m", module, *arguments]


def options(config: RunConfig) -> Iterator[tuple[str, str, bool]]:
    """Yield name and value of every option, and whether it is the default."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        text = flagfile.format_value(value) or "(empty)"
        yield field.name, text, value == field.default


def curves(record: RunRecord) -> tuple[LineChart, ...]:
    """Return the charts of a run by epoch, stages marked: first of figures."""
    history = record.history
    rates = [one.examples_per_second for one in history]
    waits = [one.input_wait_fraction for one in history]
    pace = (
        _by_epoch(record, name, lines, low=low)
        for name, lines, low in (
            ("Learning rate", {"rate": [one.learning_rate for one in history]}, 0.0),
            ("Examples per second", {"training": rates}, None),
            ("Share of time waiting for data", {"share": waits}, 0.0),
        )
    )
    return (*figure_curves(record), *(one for one in pace if one is not None))


def figure_curves(record: RunRecord) -> tuple[LineChart, ...]:
    """Return the charts of the task's figures by epoch."""
    history = record.history
    found = (
        _by_epoch(
            record,
            _capitalized(title(name)),
            {
                "training": [one.train.get(name) for one in history],
                "validation": [one.validation.get(name) for one in history],
            },
            low=_lowest(name),
        )
        for name in _figure_names(history)
    )
    return tuple(one for one in found if one is not None)


def _by_epoch(
    record: RunRecord,
    title: str,
    lines: Mapping[str, Sequence[float | None]],
    *,
    low: float | None,
) -> LineChart | None:
    """Return a chart of values by epoch, a list for each label."""
    xs = record.epoch_numbers
    spans, first = [], xs.start
    for epochs in record.stage_epochs:
        spans.append((epochs[0].stage, first, first + len(epochs) - 1))
        first += len(epochs)
    series = [
        Series(label, xs, ys, style)
        for style, (label, ys) in enumerate(lines.items())
        if any(y is not None for y in ys)
    ]
    return charts.line_chart(title, series, spans=spans, low=low)


def _figure_names(history: Iterable[EpochRecord]) -> Sequence[str]:
    """Return the names of the task's figures, in the order of the lines."""
    names = (name for one in history for name in (*one.train, *one.validation))
    return tuple(dict.fromkeys(names))


def _lowest(name: str) -> float | None:
    """Return the value that a chart of a figure shows in any case."""
    return 0.0 if name == "loss" else None


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def views_text(inputs: Inputs) -> str:
    """Return what is said above the training examples."""
    if not inputs.is_augmented:
        return "As the network saw them, in every epoch the same: no augmentation."
    text = "As the network saw them, epoch by epoch, each time augmented anew."
    if inputs.mix() is not None:
        text += " Each is shown before it was mixed with another one."
    return text


def comparison_curves(
    histories: Sequence[tuple[str, RunRecord]],
) -> tuple[LineChart, ...]:
    """Return the charts of several runs, laid over each other.

    First the figures that choose, then the rest.
    """
    every = [one for _, record in histories for one in record.history]
    names = _figure_names(every)
    # A loss is less telling than what a task has beside it.
    names = sorted(names, key=lambda name: name == "loss")

    def chart(
        title: str, values: Callable[[EpochRecord], float | None], low: float | None
    ) -> LineChart | None:
        series = [
            Series(
                label,
                record.epoch_numbers,
                list(map(values, record.history)),
                style,
            )
            for style, (label, record) in enumerate(histories)
        ]
        return charts.line_chart(title, series, low=low)

    def validation(name: str) -> LineChart | None:
        text = f"Validation {title(name)}"
        return chart(text, lambda one: one.validation.get(name), _lowest(name))

    def training(name: str) -> LineChart | None:
        text = f"Training {title(name)}"
        return chart(text, lambda one: one.train.get(name), _lowest(name))

    found = (
        *map(validation, names),
        *map(training, reversed(names)),
        chart("Learning rate", lambda one: one.learning_rate, 0.0),
    )
    return tuple(one for one in found if one is not None)
