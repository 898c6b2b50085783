"""Names that a user gives to parts of the data: `part=name`."""

from collections.abc import Mapping, Sequence

from kft import errors


def parse(
    flag: str,
    pairs: Sequence[str],
    defaults: Mapping[str, str],
    *,
    needed: Sequence[str],
) -> Mapping[str, str]:
    """Return the name of each part: the given one, else the default.

    A part whose default name is given to another one has no name.

    Args:
        flag: that the pairs come from, such as csv_columns.
        pairs: texts `part=name`.
        defaults: the name of each part that there is.
        needed: parts that have to have a name.

    Raises:
        errors.ConfigError: for what is no such pair, an unknown part, a part or a name
            that comes twice, or a needed part without a name.
    """
    given = only_given(flag, pairs, defaults)
    free = {p: name for p, name in defaults.items() if name not in given.values()}
    for part in needed:
        if part not in {**free, **given}:
            raise errors.ConfigError(
                f"--{flag}: {defaults[part]!r} is given to another part; say with "
                f"{part}=NAME what the {part} is called."
            )
    return {**free, **given}


def only_given(
    flag: str, pairs: Sequence[str], defaults: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the name of each part that has been given one.

    Args:
        flag: see `parse`.
        pairs: likewise.
        defaults: likewise.

    Raises:
        errors.ConfigError: for what is no such pair, an unknown part, and a part or a
            name that comes twice.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        part, equals, name = (text.strip() for text in pair.partition("="))
        if not equals or not name:
            raise errors.ConfigError(
                f"--{flag}: expected PART=NAME, such as {_example(defaults)}, received "
                f"{pair!r}."
            )
        if part not in defaults:
            near = errors.closest(part, defaults, most=0)
            raise errors.ConfigError(
                f"--{flag}: expected one of {', '.join(defaults)} before the =, "
                f"received {part!r}. {near}".rstrip()
            )
        if part in given or name in given.values():
            twice = part if part in given else name
            raise errors.ConfigError(f"--{flag}: {twice!r} is given twice.")
        given[part] = name
    return given


def merged(own: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """Return pairs by part: the given ones, and of other parts the own ones.

    Args:
        own: texts `part=name`, which `parse` has seen.
        given: likewise, which nobody has checked.
    """
    parts = {_part(pair) for pair in given}
    return (*(pair for pair in own if _part(pair) not in parts), *given)


def _part(pair: str) -> str:
    return pair.partition("=")[0].strip()


def _example(defaults: Mapping[str, str]) -> str:
    return "{}={}".format(*next(iter(defaults.items())))
