"""Where the encoded examples lie in files that each hold many."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """Records in files.

    Attributes:
        files: paths.
        file_numbers: int32 [n], which of `files` holds the record.
        offsets: int64 [n], where its data begins, in bytes.
        lengths: int64 [n], of its data, in bytes.
        columns: by feature, int64 [n], float32 [n], or bytes [n] as objects.
    """

    files: tuple[str, ...]
    file_numbers: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    columns: Mapping[str, np.ndarray]

    def part(self, first: int, last: int) -> "Records":
        """Return the records from `first` to `last` - 1."""
        chosen = slice(first, last)
        return Records(
            self.files,
            self.file_numbers[chosen],
            self.offsets[chosen],
            self.lengths[chosen],
            {name: column[chosen] for name, column in self.columns.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence["Records"]) -> "Records":
        """Return the records of all parts, in their order."""
        files = tuple(dict.fromkeys(path for part in parts for path in part.files))
        numbers = {path: number for number, path in enumerate(files)}
        return cls(
            files,
            np.concatenate(
                [
                    np.array([numbers[path] for path in part.files], np.int32)[
                        part.file_numbers
                    ]
                    for part in parts
                ]
            ),
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.lengths for part in parts]),
            {
                name: np.concatenate([part.columns[name] for part in parts])
                for name in parts[0].columns
            },
        )
