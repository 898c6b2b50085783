"""Class names in the order of their indices, once per run."""

import collections
import dataclasses
import functools
import itertools
import unicodedata
from collections.abc import Iterable, Sequence

from kft import errors


@dataclasses.dataclass(frozen=True)
class LabelMap:
    """The classes that a network tells apart.

    Attributes:
        names: class names; the position is the class id. At least two, all different,
            none empty or with a line break in it.

    Raises:
        errors.DataError: for names that break these rules.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        unusable = [n for n in self.names if not n.strip() or n.splitlines() != [n]]
        if unusable:
            raise errors.DataError(
                "Class names: expected text without line breaks, received "
                f"{', '.join(repr(name) for name in unusable)}. Rename the classes."
            )
        counts = collections.Counter(self.names)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        if repeated:
            raise errors.DataError(
                "Class names: expected each name once, received these repeatedly: "
                f"{', '.join(repeated)}."
            )
        if len(self.names) < 2:
            raise errors.DataError(
                f"Class names: expected at least 2 classes, received {len(self.names)}"
                f"{': ' + self.names[0] if self.names else ''}."
            )

    @classmethod
    def parse(cls, text: str) -> "LabelMap":
        """Return what `text` wrote: one name per line.

        Raises:
            errors.DataError: where it is no label map.
        """
        names = tuple(text.split("\n"))
        return cls(names[:-1] if names[-1] == "" else names)

    def text(self) -> str:
        """Return the content of labels.txt."""
        return "".join(f"{name}\n" for name in self.names)

    def index(self, name: str) -> int:
        """Return the class id of a name.

        Raises:
            errors.DataError: where there is no such class; names the nearest ones.
        """
        try:
            return self._indices[name]
        except KeyError:
            raise errors.DataError(
                f"There is no class {name!r}. {errors.closest(name, self.names)}"
            ) from None

    def with_others(self, names: Iterable[str]) -> "LabelMap":
        """Return these classes, and behind them those names that are not among them."""
        return LabelMap((*self.names, *sorted({*names} - {*self.names})))

    def __len__(self) -> int:
        return len(self.names)

    @functools.cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}


def written_alike(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that a person would take for one class.

    They differ in case, white space, in how an accent is encoded, in characters that
    nobody sees, in letters of another script that look the same (as Cyrillic o does),
    or are one number: 1 and 1.0, Cat and cat.
    """
    groups: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        groups[_as_read(name)].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


# Letters that look like Latin ones: Cyrillic and Greek, of what Unicode's
# confusables.txt (UTS 39) has; capitals first.
_LOOKALIKES = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7"
    "\u03bf\u03bd\u03b9",
    "ABEKMHOPCTXaeopcyxijshABEZHIKMNOPTXovi",
)
# What programs write for a value that there is not.
_MISSING = frozenset(("nan", "none", "null", "na", "n/a", "<na>", "nat", "nil"))


def looks_missing(name: str) -> bool:
    """Return whether a name is what programs write where a label is missing."""
    return name.strip().casefold() in _MISSING


def first_unlike_its_number(names: Sequence[str]) -> int | None:
    """Return the first place of classes called by numbers that are out of order.

    Sorted as text, 10 comes before 2. None where numbers ascend, or a name is none.
    """
    if not all(name.isascii() and name.isdecimal() for name in names):
        return None
    numbers = [int(name) for name in names]
    for place, (before, number) in enumerate(itertools.pairwise(numbers), start=1):
        if number < before:
            return place - 1
    return None


def are_measured(names: Sequence[str]) -> bool:
    """Return whether names are numbers, of which some have a fraction, such as 3.7."""
    try:
        values = [float(name) for name in names]
    except ValueError:
        return False
    return not all(value.is_integer() for value in values)


def _as_read(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).translate(_LOOKALIKES).casefold()
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = " ".join(text.split())
    if text.strip("+-.0123456789"):
        return text
    try:
        return repr(float(text))
    except ValueError:
        return text
