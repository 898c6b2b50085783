"""Values out of JSON files, held against the types that they were written with.

Run folders are copied, edited and cut off by full disks: what is in them may be valid
JSON and still no number where one is expected.
"""

import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any


def check(values: Mapping[str, Any], types_by_name: Mapping[str, Any]) -> None:
    """Check the values that have a type; others are left alone.

    Args:
        values: of a JSON object, or of a part of it.
        types_by_name: annotations, as `typing.get_type_hints` gives them: of bool, int,
            float, str, None, Literal, Mapping, Sequence and tuple of any length, and
            unions of these.

    Raises:
        ValueError: naming the first value that is of another type.
    """
    for name, annotation in types_by_name.items():
        if name in values and not fits(values[name], annotation):
            shown = repr(values[name])
            shown = shown if len(shown) < 40 else f"{shown[:37]}..."
            raise ValueError(f"{name} is {shown}")


def fits(value: Any, annotation: Any) -> bool:
    """Return whether a value is of a type; NaN and infinity are no numbers."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return True
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin in (dict, Mapping):
        pairs = value.items() if isinstance(value, dict) else [(None, None)]
        of_key, of_value = arguments
        return all(fits(k, of_key) and fits(v, of_value) for k, v in pairs)
    if origin in (list, tuple, Sequence):
        is_list = isinstance(value, list | tuple)
        return is_list and all(fits(one, arguments[0]) for one in value)
    return _fits_one(value, annotation)


def _fits_one(value: Any, kind: type) -> bool:
    if kind is type(None):
        return value is None
    if kind is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # An integer of JSON may be beyond all floats.
        return is_number and abs(value) <= sys.float_info.max
    if kind is int:
        return type(value) is int and abs(value) < 2**63
    if kind is str:
        # A lone surrogate, which JSON can escape, is no text that can be written.
        return isinstance(value, str) and _is_text(value)
    return type(value) is kind


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
