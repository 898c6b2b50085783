"""The figures of an evaluation as tables for a person. No TensorFlow here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from kft.cli import tables
from kft.cli.tables import Column
from kft.metrics.figures import Breakdown, Figure, Figures

# Of a run that is calibrated; see `kft.evaluation.calibrated_temperature`.
_SERVED = {
    "served_loss": "log loss, as served",
    "served_ece": "ECE, as served (calibrated)",
}


def tables_of(
    figures: Figures, result: Mapping[str, Any], *, width: int
) -> Iterator[RenderableType]:
    """Yield what shows the figures of an evaluation, and those of every part of it.

    Args:
        figures: of the evaluation.
        result: as in evaluation.json.
        width: of the terminal, in characters.
    """
    views = f", mean over --tta={result['tta']}" if "tta" in result else ""
    examples = f"{result['examples']:,} examples"
    yield Text(f"{result['data']}, {result['split']}: {examples}{views}")
    yield ""
    yield tables.table(_headline(figures, result), width=width)
    breakdown = figures.breakdown()
    if breakdown is not None:
        yield ""
        yield tables.table(_breakdown(breakdown), width=width)


def _headline(figures: Figures, result: Mapping[str, Any]) -> Sequence[Column]:
    shown = [one for one in figures.headline() if one.value is not None]
    shown += [
        Figure(name=name, title=title, value=result[name])
        for name, title in _SERVED.items()
        if result.get(name) is not None
    ]
    return (
        Column("figure", [one.title for one in shown], is_text=True),
        Column("value", [tables.or_dash(one.value, ".4f") for one in shown]),
        Column("95% interval", [interval(one.interval) for one in shown], rank=1),
    )


def _breakdown(breakdown: Breakdown) -> Sequence[Column]:
    """Return the columns of a table; the one that ranks the groups stays longest."""
    groups = breakdown.groups
    names = [one.name for one in groups[0].figures] if groups else []
    by_name = [{one.name: one for one in group.figures} for group in groups]
    return (
        Column(breakdown.title, [group.label for group in groups], is_text=True),
        Column("examples", [f"{g.examples:,}" for g in groups], rank=len(names) + 1),
        *(
            Column(
                by_name[0][name].title,
                [tables.or_dash(figures[name].value, ".4f") for figures in by_name],
                rank=0 if name == breakdown.ranked_by else place,
            )
            for place, name in enumerate(names, start=1)
        ),
    )


def interval(bounds: Sequence[float] | None) -> str:
    """Return a 95% interval as text, empty where there is none."""
    return "" if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"
