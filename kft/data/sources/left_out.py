"""Files that lie among examples and are none: how many, where, and what to do."""

import collections
from collections.abc import Iterable, Mapping

from absl import logging

from kft.data.sources.payload_kind import PayloadKind

_SHOWN_PLACES = 5
_SHOWN_ENDINGS = 8


class LeftOut:
    """The count of what a folder holds beside examples."""

    def __init__(self, flag: str, payload: PayloadKind) -> None:
        """Begin with nothing.

        Args:
            flag: that names the folder, for messages.
            payload: what counts as an example.
        """
        self._flag, self._payload = flag, payload
        self._taken: collections.Counter[str] = collections.Counter()
        self._others: dict[str, collections.Counter[str]] = {}
        self._unlabelled: dict[str, int] = {}
        self._hidden: dict[str, int] = {}

    def add_class(self, name: str, taken: int, others: Mapping[str, int]) -> None:
        """Count a class folder: its examples, and its other files by ending."""
        self._taken[name] += taken
        for ending, number in others.items():
            self._others.setdefault(ending, collections.Counter())[name] += number

    def add_unlabelled(self, place: str, number: int) -> None:
        """Count files that would be examples, in a folder that is of no class."""
        if number:
            self._unlabelled[place] = self._unlabelled.get(place, 0) + number

    def add_hidden(self, place: str, number: int) -> None:
        """Count files that would be examples, but for a dot that a name begins with."""
        if number:
            self._hidden[place] = self._hidden.get(place, 0) + number

    def say(self) -> None:
        """Log what is left out; a warning where examples seem to be among it."""
        for place, number in self._hidden.items():
            logging.warning(
                "%s: %s: %d %s are left out, for names of them or of folders around "
                "them begin with a dot. Rename them if they are examples.",
                self._flag,
                place,
                number,
                self._payload.noun,
            )
        for place, number in self._unlabelled.items():
            logging.warning(
                "%s: %s: %d %s are left out, for they are in no folder of a class.",
                self._flag,
                place,
                number,
                self._payload.noun,
            )
        if not self._others:
            return
        left_out = sum(sum(by_class.values()) for by_class in self._others.values())
        total = left_out + sum(self._taken.values())
        level = logging.WARNING if self._may_be_examples() else logging.INFO
        logging.log(
            level,
            "%s: %d of %d files are left out, for %s end in %s: %s.%s",
            self._flag,
            left_out,
            total,
            self._payload.noun,
            ", ".join(self._payload.file_endings),
            _listed(self._in_words(), _SHOWN_ENDINGS, "; "),
            self._advice(),
        )

    def _may_be_examples(self) -> bool:
        advice = self._payload.advice_on_endings
        if any(not ending or ending in advice for ending in self._others):
            return True
        classes = {name for by_class in self._others.values() for name in by_class}
        return any(self._of_class(name) > self._taken[name] for name in classes)

    def _of_class(self, name: str) -> int:
        return sum(by_class[name] for by_class in self._others.values())

    def _in_words(self) -> Iterable[str]:
        def size(item: tuple[str, collections.Counter[str]]) -> int:
            return sum(item[1].values())

        for ending, by_class in sorted(self._others.items(), key=size, reverse=True):
            places = [
                f"{name} {number} of {self._taken[name] + self._of_class(name)}"
                for name, number in by_class.most_common()
            ]
            yield (
                f"{ending or 'no ending'} {sum(by_class.values())} "
                f"({_listed(places, _SHOWN_PLACES, ', ')})"
            )

    def _advice(self) -> str:
        known = self._payload.advice_on_endings
        said = dict.fromkeys(known[e] for e in sorted(self._others) if e in known)
        if "" in self._others:
            said["Give files without an ending one."] = None
        return "".join(f" {advice}" for advice in said)


def _listed(items: Iterable[str], most: int, mark: str) -> str:
    items = list(items)
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return mark.join([*items[:most], *more])
