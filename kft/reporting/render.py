"""Templates to text. Everything that comes from a user is escaped on the way."""

import datetime
import functools
from collections.abc import Mapping
from typing import Any

import jinja2


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a page as text.

    Args:
        template: name of a file in `templates`.
        values: by the names that the template uses; each has to be there.
    """
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kft.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, points=points, figure=figure, count=count, duration=duration
    )
    return environment


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in [0, 1] as a percentage, a dash for None."""
    return "–" if share is None else f"{share:.{digits}%}"


def points(difference: float | None) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    if difference is None:
        return "–"
    # Typographic minus, and no minus before what is 0 when rounded.
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def figure(value: float | None) -> str:
    """Return a number with four digits after the point, a dash for None."""
    return "–" if value is None else f"{value:.4f}"


def count(value: float | None) -> str:
    """Return a whole number with separators, a dash for None."""
    return "–" if value is None else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a time in words, such as 2 min 5 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    time = datetime.timedelta(seconds=round(seconds))
    minutes, rest = divmod(time.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    hours += 24 * time.days
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
