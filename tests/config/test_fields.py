"""Checks of single fields."""

import dataclasses
from typing import Any, Literal

import pytest

from kft import errors
from kft.config import fields
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """One field of each kind."""

    text: str = option("a", "Text.")
    number: int = option(3, "Whole.", minimum=1, maximum=9)
    rate: float = option(0.5, "Rate.", minimum=0.0, maximum=1.0)
    switch: bool = option(False, "Switch.")
    choice: Literal["crop", "pad"] = option("crop", "Choice.")
    names: tuple[str, ...] = option((), "Names.")
    limit: int | None = option(None, "Limit.")
    folder: str | None = option(None, "Folder.")


def _problem(**values: Any) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        fields.check_fields(Example(**values))
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, fields.FieldType(str, False, None)),
        (int | None, fields.FieldType(int, True, None)),
        (float, fields.FieldType(float, False, None)),
        (bool, fields.FieldType(bool, False, None)),
        (Literal["a", "b"], fields.FieldType(str, False, ("a", "b"))),
        (Literal["a"] | None, fields.FieldType(str, True, ("a",))),
        (tuple[str, ...], fields.FieldType(tuple, False, None)),
        (int | Literal["auto"], fields.FieldType(int, False, None, ("auto",))),
        (
            float | Literal["a", "b"] | None,
            fields.FieldType(float, True, None, ("a", "b")),
        ),
    ],
)
def test_an_annotation_says_what_a_flag_accepts(
    annotation: Any, expected: fields.FieldType
) -> None:
    assert fields.field_type(annotation) == expected


@pytest.mark.parametrize(
    "annotation",
    [
        list,
        dict[str, int],
        int | str,
        tuple[int, ...],
        tuple[str, str],
        str | Literal["a"],
        int | float | Literal["a"],
    ],
)
def test_an_annotation_that_no_flag_can_stand_for_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match="no flag can stand for"):
        fields.field_type(annotation)


def test_defaults_and_values_at_the_bounds_are_legal() -> None:
    fields.check_fields(Example())
    fields.check_fields(Example(number=1, rate=1, limit=None, names=("a", "b")))
    fields.check_fields(Example(number=9, rate=0.0, folder="photos of 2024"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", 3, "--text: expected str, received 3."),
        ("text", None, "--text: a value is needed."),
        ("number", 2.0, "--number: expected int, received 2.0."),
        ("number", True, "--number: expected int, received True."),
        ("number", 0, "--number: expected at least 1, received 0."),
        ("number", 10, "--number: expected at most 9, received 10."),
        ("rate", "0.5", "--rate: expected float, received '0.5'."),
        ("rate", 1.5, "--rate: expected at most 1.0, received 1.5."),
        ("rate", float("nan"), "--rate: expected a finite number, received nan."),
        ("rate", float("-inf"), "--rate: expected a finite number, received -inf."),
        ("switch", 1, "--switch: expected bool, received 1."),
        (
            "choice",
            "cop",
            "--choice: expected one of crop, pad, received 'cop'. Did you mean crop?",
        ),
        ("names", "a", "--names: expected tuple of strings, received 'a'."),
        ("names", ("a", 3), "--names: expected names, received 3 among them."),
        ("names", ("a", ""), "--names: expected names, received '' among them."),
    ],
)
def test_a_problem_says_what_was_expected_and_what_came(
    field: str, value: Any, message: str
) -> None:
    assert _problem(**{field: value}) == message


def test_an_int_beyond_the_range_of_float_is_no_rate() -> None:
    assert "expected a finite number" in _problem(rate=10**400)


@pytest.mark.parametrize("text", ["a\nb", "a\r", " a", "a ", "a\0", "\ud800"])
def test_a_text_that_no_flagfile_can_hold_is_refused(text: str) -> None:
    assert _problem(text=text).startswith("--text: ")
    assert _problem(folder=text).startswith("--folder: ")


@pytest.mark.parametrize(
    "text", ["a#b", "a #b", "#1", "a  b", "Zürich", "a=b", "--a", "a,b"]
)
def test_other_texts_are_legal(text: str) -> None:
    fields.check_fields(Example(text=text, folder=text))


def test_the_text_none_is_not_mistaken_for_no_value() -> None:
    assert "write None in Python" in _problem(folder="None")
    fields.check_fields(Example(text="none"))


def test_every_problem_is_named_not_only_the_first() -> None:
    assert len(_problem(number=0, rate=2.0, choice="x").split("\n")) == 3
