"""Names of examples by their contents, whatever others there are, and where."""

import collections
import hashlib
from collections.abc import Sequence


def digest(payload: bytes) -> str:
    """Return what an example is known by."""
    return hashlib.blake2b(payload, digest_size=8).hexdigest()


def digest_of(name: str) -> str:
    """Return the digest in an id that `numbered` gave."""
    return name.partition("-")[0]


def numbered(digests: Sequence[str]) -> list[str]:
    """Return digests with a number at those that came before, such as 2f0a-2."""
    counts: collections.Counter[str] = collections.Counter()
    ids = []
    for one in digests:
        counts[one] += 1
        number = counts[one]
        ids.append(one if number == 1 else f"{one}-{number}")
    return ids
