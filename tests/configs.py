"""Random legal configs, for property tests."""

import dataclasses
import typing
from typing import Any

from hypothesis import strategies as st

from kft.config import TrainConfig, fields

_ALL_HINTS = typing.get_type_hints(TrainConfig)
HINTS = {
    field.name: _ALL_HINTS[field.name] for field in dataclasses.fields(TrainConfig)
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)

_TEXTS = st.text(min_size=1).filter(
    lambda text: not fields._text_problem("any", text, optional=True)
)
_NAMES = st.text(min_size=1).filter(
    lambda text: (
        "," not in text and not fields._text_problem("any", text, optional=True)
    )
)


def configs() -> st.SearchStrategy[TrainConfig]:
    """Return a strategy for configs in which every field may have any legal value."""
    named = {f.name: _values(f) for f in dataclasses.fields(TrainConfig)}
    return st.builds(TrainConfig, **named)


def _values(field: dataclasses.Field) -> st.SearchStrategy[Any]:
    expected = fields.field_type(HINTS[field.name])
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if expected.choices:
        values = st.sampled_from(expected.choices)
    elif expected.base is int:
        values = st.integers(low, high)
    elif expected.base is float:
        values = st.floats(low, high, allow_nan=False, allow_infinity=False)
    elif expected.base is tuple:
        values = st.lists(_NAMES).map(tuple)
    else:
        values = {bool: st.booleans(), str: _TEXTS}[expected.base]
    if expected.words:
        values |= st.sampled_from(expected.words)
    return st.none() | values if expected.optional else values
