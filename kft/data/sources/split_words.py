"""Words for splits in the names of folders and files, as people write them."""

import re
from collections.abc import Iterable

from kft.data.examples import TEST, TRAIN, VALIDATION

SPLITS_BY_WORD = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


def of_name(name: str) -> str | None:
    """Return the split that a name is, such as that of Val; None for other names."""
    return SPLITS_BY_WORD.get(name.lower())


def within_name(name: str) -> str | None:
    """Return the split that is among the words of a name, if there is just one.

    That is validation for `images_val2017`, and none for `contest`.
    """
    return of_words(re.split(r"[^a-z]+", name.lower()))


def of_words(words: Iterable[str]) -> str | None:
    """Return the split that is among words in small letters, if there is just one."""
    named = {SPLITS_BY_WORD[word] for word in words if word in SPLITS_BY_WORD}
    return named.pop() if len(named) == 1 else None
