"""Files with a JSON object a line; mistakes are named with their line."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from kft import errors
from kft.data.sources import text_file

_SHOWN = 8
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclasses.dataclass(frozen=True)
class JsonLine:
    """A line of such a file.

    Attributes:
        place: file and line, for messages.
        number: of the line, from 1 on.
        values: what it says.
    """

    place: str
    number: int
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return a text that has to be there.

        Raises:
            errors.DataError: where it is not, or is empty.
        """
        return self.checked(self.values.get(key), key)

    def checked(self, value: Any, key: str) -> str:
        """Return what the line has under a key, or in a list there: a text.

        Raises:
            errors.DataError: where it is none, or is empty.
        """
        if not is_text(value):
            raise errors.DataError(
                f"{self.place}: expected a text as {key!r}, received {value!r}. "
                f"The keys of the line are {errors.listed(self.values, most=_SHOWN)}; "
                "--jsonl_keys says what they are called."
            )
        return value


def is_text(value: Any) -> TypeGuard[str]:
    """Return whether a value is a text in which there is something to read."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and "\0" not in value
        # Half of a surrogate pair cannot be written in UTF-8.
        and not _SURROGATES.search(value)
    )


def check_keys(lines: Sequence[JsonLine], pairs: Sequence[str], flag: str) -> None:
    """Check that some line has what `--jsonl_keys` names.

    Args:
        lines: of the file.
        pairs: as given, texts `part=key`.
        flag: what names the file, for messages.

    Raises:
        errors.DataError: for a key that no line has.
    """
    known = {key for line in lines for key in line.values}
    for pair in pairs:
        key = pair.partition("=")[2].strip()
        if key not in known:
            raise errors.DataError(
                f"{flag}: expected the key {key!r}, as --jsonl_keys={pair} says; no "
                f"line has it. {errors.closest(key, sorted(known))}"
            )


def read(path: str, flag: str) -> list[JsonLine]:
    """Return the lines that are not empty.

    Args:
        path: of a UTF-8 text file, local or remote.
        flag: what names it, for messages.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is not UTF-8, or a line is no object; or all are
            empty.
    """
    text_file.check_exists(path, flag=flag)
    found = []
    content = text_file.read(path, flag)
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            place = f"{flag}, line {number}"
            found.append(JsonLine(place, number, parse(line, place)))
    if not found:
        raise errors.DataError(f"{flag}: expected a JSON object a line, got none.")
    return found


def parse(line: str, place: str) -> Mapping[str, Any]:
    """Return the object that a line is.

    Args:
        line: the text of it.
        place: file and line, for messages.

    Raises:
        errors.DataError: where it is none.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f"{place}: expected a JSON object, which cannot be read: {error}."
            f"{_advice(line)}"
        ) from error
    if not isinstance(values, dict):
        raise errors.DataError(
            f"{place}: expected a JSON object, received {type(values).__name__}."
            f"{_advice(line)}"
        )
    return values


def _advice(line: str) -> str:
    """Return what to do about a line of JSON that has no lines of objects."""
    begin = line.strip()
    if begin.startswith("["):
        return (
            " Write each object of the list in a line of its own, without the "
            "brackets: `jq -c '.[]' FILE` does it."
        )
    if begin == "{":
        return " Write each object in a line of its own: `jq -c . FILE` does it."
    if begin.endswith("},"):
        return " Remove the comma at the ends of the lines."
    return ""
