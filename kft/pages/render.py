"""Templates to text. Everything that comes from a user is escaped on the way."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jinja2

from kft.metrics.figures import Figure


def render(package: str, template: str, values: Mapping[str, Any]) -> str:
    """Return a page as text.

    Args:
        package: that has the template, in a folder `templates`; `base.html` and what it
            includes are here.
        template: name of the file.
        values: by the names that the template uses; each has to be there.
    """
    return _environment(package).get_template(template).render(values)


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package), jinja2.PackageLoader(__package__)]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        points=points,
        gain=gain,
        figure=figure,
        count=count,
        duration=duration,
        value=value,
        interval=interval,
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


def gain(difference: float | None) -> str:
    """Return a difference of figures with its sign and four digits."""
    # Typographic minus.
    return "–" if difference is None else f"{difference:+.4f}".replace("-", "−")


def figure(value: float | None) -> str:
    """Return a number with four digits after the point, a dash for None."""
    return "–" if value is None else f"{value:.4f}"


def value(one: Figure, digits: int = 2) -> str:
    """Return the value of a figure: a share as a percentage."""
    return percent(one.value, digits) if one.is_share else figure(one.value)


def interval(one: Figure, digits: int = 2) -> str:
    """Return the 95% interval of a figure, a dash where none is known."""
    if one.interval is None:
        return "–"
    ends = (dataclasses.replace(one, value=end) for end in one.interval)
    return " to ".join(value(end, digits) for end in ends)


def count(value: float | None) -> str:
    """Return a whole number with separators, a dash for None."""
    return "–" if value is None else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a time in words, such as 2 min 5 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
