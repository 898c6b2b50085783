"""The report of a learning rate range test: a chart, a file for programs, a text."""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from matplotlib import figure

from kft.lr_finder.finder import RangeTests, StageTest
from kft.lr_finder.suggestions import DIVERGED, Curve
from kft.run_folder import atomic_files

CHART, FILE = "find_lr.png", "find_lr.json"
_INCHES = (5.0, 4.0)
_RULES = {
    "valley": "the middle of the longest descent",
    "steep": "where the loss falls fastest",
    "minimum": "a tenth of where it is lowest",
}
_TAKEN = "minimum"


def write(found: RangeTests, folder: Path) -> None:
    """Write both files; the folder is made where it is missing.

    Raises:
        errors.RunDirError: where they cannot be written.
    """
    with atomic_files.explaining(folder):
        folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(found), indent=2, allow_nan=False) + "\n"
    with atomic_files.replacing(folder / FILE) as path:
        path.write_text(text, encoding="utf-8")
    with atomic_files.replacing(folder / CHART) as path:
        draw(found.tests).savefig(path, format="png", dpi=120)


def text(found: RangeTests, folder: Path) -> Iterator[str]:
    """Yield the suggestions and what to paste, as the lines of a terminal.

    Args:
        found: what was tested.
        folder: of the files.
    """
    for test in found.tests:
        yield ""
        yield f"stage {test.unfreeze} (--stages has {test.rate:g})"
        for rule, meaning in _RULES.items():
            rate = getattr(test.suggestions, rule)
            shown = "none" if rate is None else f"{rate:.2g}"
            taken = "; the flag below has it" if rule == _TAKEN and rate else ""
            yield f"  {rule:<8} {shown:<8} {meaning}{taken}"
        if test.suggestions.best is None:
            yield "  The loss falls no more than it scatters; the rate stays."
    yield ""
    yield f"curves  {folder}"
    yield f"flag    --stages={found.stages}"


def as_json(found: RangeTests) -> dict[str, Any]:
    """Return what was found as JSON can hold it; None stands for NaN and infinity.

    `diverged`: the test ended early, for the smoothed loss had passed four times its
    lowest.
    """
    return {
        "stages": found.stages,
        "batch_size": found.config.batch_size,
        "tests": [
            {
                "stage": test.unfreeze,
                "learning_rate": test.rate,
                "suggestions": dataclasses.asdict(test.suggestions),
                "diverged": test.curve.has_diverged,
                "rates": test.curve.rates,
                "losses": [_finite(loss) for loss in test.curve.losses],
                "smoothed": [_finite(loss) for loss in test.curve.smoothed],
            }
            for test in found.tests
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def draw(tests: Sequence[StageTest]) -> figure.Figure:
    """Return a chart with a panel for each stage."""
    width, height = _INCHES
    chart = figure.Figure(figsize=(width * len(tests), height), layout="constrained")
    panels = chart.subplots(1, len(tests), squeeze=False)[0]
    for panel, test in zip(panels, tests, strict=True):
        curve = test.curve
        panel.plot(curve.rates, curve.losses, color="0.8", label="loss")
        panel.plot(curve.rates, curve.smoothed, color="C0", label="smoothed")
        panel.axvline(test.rate, color="0.5", linestyle=":", label="as in --stages")
        for number, (rule, rate) in enumerate(
            dataclasses.asdict(test.suggestions).items(), start=1
        ):
            if rate is not None:
                label = f"{rule} {rate:.2g}"
                panel.axvline(rate, color=f"C{number}", linestyle="--", label=label)
        panel.set(xscale="log", xlabel="learning rate", title=test.unfreeze)
        panel.set_ylim(0, _top(curve))
        panel.legend(fontsize="small")
    panels[0].set_ylabel("training loss")
    return chart


def _top(curve: Curve) -> float | None:
    """Return the upper end of the axis: what runs away would flatten all the rest.

    The descent is seen, and the smoothed loss as far as it is not yet taken to have
    diverged: where a stage begins with a good network, the lowest loss is the first.
    """
    finite = [loss for loss in curve.smoothed if math.isfinite(loss)]
    if not finite:
        # The first loss is none: there is nothing to see.
        return None
    lowest = curve.smoothed.index(min(finite))
    before = max(curve.smoothed[: lowest + 1])
    after = min(max(finite), DIVERGED * min(finite))
    return 1.2 * max(before, after)
