"""What a report says in words and numbers, from values that are there already."""

import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from kft.config import RunConfig, augmentations, flagfile
from kft.metrics.classification import ClassificationFigures
from kft.reporting import charts, render
from kft.reporting.charts import LineChart, Series
from kft.reporting.run_record import RunRecord

_SHOWN_DIGITS = 12


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


# Figures that are shares, and those that are not.
_SHARES = {
    "accuracy": "accuracy",
    "top_5_accuracy": "top-5 accuracy",
    "balanced_accuracy": "balanced accuracy",
}
_NUMBERS = {
    "macro_f1": ("macro F1", "mean over the classes"),
    "weighted_f1": ("weighted F1", "weighted by examples"),
    "roc_auc": ("ROC-AUC", "one against the rest, mean"),
    "loss": ("log loss", "nats; 0 is perfect"),
    "brier": ("Brier score", "0 is perfect, 2 the worst"),
    "ece": ("calibration error", "ECE, 15 bins"),
}
_INTERVALS = {
    "accuracy": "accuracy_interval",
    "top_5_accuracy": "top_5_interval",
}


def tiles(figures: ClassificationFigures) -> Iterator[Tile]:
    """Yield the figures of an evaluation that are about all classes together."""
    values = figures.to_json()
    for name, title in _SHARES.items():
        note = values["undefined"].get(name, "")
        interval = values.get(_INTERVALS.get(name, ""))
        if interval is not None:
            note = f"95%: {interval[0]:.2%} to {interval[1]:.2%}"
        elif name == "balanced_accuracy":
            note = "mean recall of the classes"
        yield Tile(name, title, values[name], render.percent(values[name], 2), note)
    for name, (title, note) in _NUMBERS.items():
        note = values["undefined"].get(name, note)
        yield Tile(name, title, values[name], render.figure(values[name]), note)


def facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield name and text of what a reader needs to repeat a run, or to trust it."""
    config, environment = record.config, record.environment
    sizes = ", ".join(
        f"{record.split_sizes[side]:,} {side}"
        for side in ("train", "validation", "test")
        if record.split_sizes.get(side)
    )
    packages = environment.get("packages", {})
    fingerprint = environment.get("data_fingerprint", "")
    yield "command", shlex.join(_typed(environment.get("command", ())))
    yield "finished", f"{record.finished:%Y-%m-%d %H:%M} UTC"
    yield "time", render.duration(record.result.seconds)
    parts = (record.result.startup_seconds or {}).items()
    if parts:
        yield "start-up", ", ".join(f"{n} {render.duration(s)}" for n, s in parts)
    yield "network", f"{config.backbone}, weights from {config.weights}"
    yield "stages", config.stages
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
    for name in ("test_accuracy", "test_loss"):
        value = getattr(record.result, name)
        if value is not None:
            yield name.replace("_", " "), render.figure(value)


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
    """Return the charts of a run by epoch, with its stages marked."""
    history, first = record.history, 1
    spans = []
    for lines in record.stage_lines:
        spans.append((lines[0]["stage"], first, first + len(lines) - 1))
        first += len(lines)

    def chart(title: str, *names: tuple[str, str], low: float | None = None):
        xs = range(1, len(history) + 1)
        series = [
            Series(label, xs, [line[name] for line in history], style)
            for style, (name, label) in enumerate(names)
            if any(line[name] is not None for line in history)
        ]
        return charts.line_chart(title, series, spans=spans, low=low)

    found = (
        chart("Loss", ("loss", "training"), ("val_loss", "validation"), low=0.0),
        chart("Accuracy", ("accuracy", "training"), ("val_accuracy", "validation")),
        chart("Learning rate", ("learning_rate", "rate"), low=0.0),
        chart("Images per second", ("images_per_second", "training")),
        chart(
            "Share of time waiting for data", ("input_wait_fraction", "share"), low=0.0
        ),
    )
    return tuple(one for one in found if one is not None)


def views_text(config: RunConfig, is_augmented: bool) -> str:
    """Return what is said above the training images."""
    if not is_augmented:
        return "As the network saw them, in every epoch the same: no augmentation."
    text = f"As the network saw them, epoch by epoch: --augment={config.augment}."
    if augmentations.mixes(augmentations.parse(config.augment)):
        text += " Each is shown before it was mixed with another one."
    return text


def comparison_curves(
    histories: Sequence[tuple[str, RunRecord]],
) -> tuple[LineChart, ...]:
    """Return the charts of several runs, laid over each other."""
    titles = {
        "val_accuracy": ("Validation accuracy", None),
        "val_loss": ("Validation loss", 0.0),
        "loss": ("Training loss", 0.0),
        "accuracy": ("Training accuracy", None),
        "learning_rate": ("Learning rate", 0.0),
    }
    found = []
    for name, (title, low) in titles.items():
        series = [
            Series(
                label,
                range(1, len(record.history) + 1),
                [line[name] for line in record.history],
                style,
            )
            for style, (label, record) in enumerate(histories)
        ]
        found.append(charts.line_chart(title, series, low=low))
    return tuple(one for one in found if one is not None)
