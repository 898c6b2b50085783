"""Classes that may be one class under two names: rose and Roses, tulip and tuilp."""

import collections
from collections.abc import Iterator, Sequence

# In shorter names a letter makes another word: cat and bat.
_SHORTEST = 5


def similar(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of names that differ in how they are written, or in one letter.

    Case, blanks, marks and a plural s do not count; digits do: model 3 is not model 4.
    """
    places: dict[str, list[int]] = collections.defaultdict(list)
    for place, name in enumerate(names):
        for key in _keys(name):
            places[key].append(place)
    pairs = {
        (one, other)
        for found in places.values()
        for position, one in enumerate(found)
        for other in found[position + 1 :]
        if _digits(names[one]) == _digits(names[other])
    }
    return [(names[one], names[other]) for one, other in sorted(pairs)]


def _keys(name: str) -> Iterator[str]:
    """Yield what two names have in common that differ in one letter or its place."""
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    singular = plain.removesuffix("s")
    keys = {singular or plain}
    if len(singular) >= _SHORTEST:
        keys |= {singular[:i] + singular[i + 1 :] for i in range(len(singular))}
    yield from (key for key in keys if key)


def _digits(name: str) -> str:
    return "".join(letter for letter in name if letter.isdigit())
