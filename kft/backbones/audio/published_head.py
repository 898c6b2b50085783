"""The layer in which a published recogniser of speech ends, with what it writes."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

# Stands among signs for the step at which nothing is said.
BLANK = "<blank>"


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedHead:
    """What a published network says of its own symbols.

    Attributes:
        kernel: [width, symbols].
        bias: [symbols].
        places: the symbol of each sign that is known; `BLANK` among the signs.
    """

    kernel: np.ndarray
    bias: np.ndarray
    places: Mapping[str, int]

    def kept(self, signs: Sequence[str]) -> list[tuple[int, int]]:
        """Return the numbers of those signs that have a symbol here, each with it."""
        return [
            (number, self.places[sign])
            for number, sign in enumerate(signs)
            if sign in self.places
        ]
