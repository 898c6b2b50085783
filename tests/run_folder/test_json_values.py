"""Values of JSON are those of the types that they were written with, or named."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest

from kft.run_folder import json_values


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, int),
        (1, float),
        (1.5, float | None),
        (None, float | None),
        (True, bool),
        ("ä", str),
        ({"a": 1}, Mapping[str, float]),
        ([{"a": 1}], Sequence[dict[str, Any]]),
        ([], tuple[str, ...]),
        ("x", Literal["x", "y"]),
    ],
)
def test_what_fits(value, annotation):
    assert json_values.fits(value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1.0, int),
        (2**63, int),
        (float("nan"), float),
        (float("-inf"), float),
        (10**400, float),
        ("1", float),
        ("\ud800", str),
        (None, str),
        ([], Mapping[str, float]),
        ({"a": None}, Mapping[str, float]),
        ("abc", Sequence[str]),
        ([1], Sequence[str]),
        ("z", Literal["x", "y"]),
    ],
)
def test_what_does_not_fit(value, annotation):
    assert not json_values.fits(value, annotation)


def test_the_first_value_of_another_type_is_named():
    types = {"a": int, "b": str, "c": int}
    json_values.check({"a": 1, "d": None}, types)
    with pytest.raises(ValueError, match=r"^b is 5$"):
        json_values.check({"a": 1, "b": 5, "c": "x"}, types)
    with pytest.raises(ValueError, match=r"^b is \[0, 1, .*\.\.\.$"):
        json_values.check({"b": list(range(1000))}, types)
