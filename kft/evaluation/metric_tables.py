"""What evaluation.json says, as tables for a person. No TensorFlow here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from kft.cli import tables
from kft.cli.tables import Column

_NAMES = {
    "accuracy": "accuracy",
    "top_5_accuracy": "top-5 accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "roc_auc": "ROC-AUC (one against the rest)",
    "loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
    "served_loss": "log loss, as served",
    "served_ece": "ECE, as served (calibrated)",
}
_INTERVALS = {"accuracy": "accuracy_interval", "top_5_accuracy": "top_5_interval"}
_CLASS_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
}
# What a narrow terminal leaves out first.
_CLASS_RANKS = {"precision": 2, "recall": 1, "f1": 0, "roc_auc": 3}


def figures(result: Mapping[str, Any], *, width: int) -> Iterator[RenderableType]:
    """Yield what shows the figures of an evaluation, and those of every class.

    Args:
        result: as in evaluation.json.
        width: of the terminal, in characters.
    """
    yield Text(f"{result['data']}, {result['split']}: {result['examples']:,} examples")
    yield ""
    yield tables.table(_figures(result), width=width)
    yield ""
    yield tables.table(_classes(result["classes"]), width=width)


def _figures(result: Mapping[str, Any]) -> Sequence[Column]:
    shown = [name for name in _NAMES if result.get(name) is not None]
    return (
        Column("figure", [_NAMES[name] for name in shown], is_text=True),
        Column("value", [_number(result[name]) for name in shown]),
        Column(
            "95% interval",
            [interval(result.get(_INTERVALS.get(name))) for name in shown],
            rank=1,
        ),
    )


def _classes(classes: Sequence[Mapping[str, Any]]) -> Sequence[Column]:
    numbers = [
        Column(title, [_number(one[name]) for one in classes], rank=_CLASS_RANKS[name])
        for name, title in _CLASS_NAMES.items()
    ]
    return (
        Column("class", [one["label"] for one in classes], is_text=True),
        Column("examples", [f"{one['examples']:,}" for one in classes], rank=4),
        *numbers,
    )


def interval(bounds: Sequence[float] | None) -> str:
    """Return a 95% interval as text, empty where there is none."""
    return "" if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
