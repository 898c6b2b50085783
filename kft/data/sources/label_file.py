"""Files with the names of classes by their number."""

import re

from kft import errors
from kft.data.sources import text_file

_NUMBERED = re.compile(r"(\d+):(.+)")


def read(path: str, option: str) -> dict[int, str]:
    """Return class names by number.

    A line is `number:name`, as in the labels.txt of TF-Slim, or else line n + 1 is the
    name of number n.

    Args:
        path: of the file.
        option: the flag that names it, with its dashes.

    Raises:
        errors.ConfigError: where the file is missing.
        errors.DataError: where it holds no names.
    """
    flag = f"{option}={path}"
    text_file.check_exists(path, flag=flag)
    lines = [line.strip() for line in text_file.read(path, flag).splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise errors.DataError(f"{flag}: expected one class name per line, got none.")
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    matches = [match for match in numbered if match]
    if len(matches) < len(lines):
        return dict(enumerate(lines))
    return {int(match[1]): match[2].strip() for match in matches}
