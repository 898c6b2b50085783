"""Examples that a program has in memory: what `data=` of `kft.fine_tune` becomes.

They are kept in this process, and a config names them by a digest of all of them. So a
run that goes on gets the same examples, or none.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import examples, label_arrays, splits
from kft.data.labels import LabelMap
from kft.data.sources import row_labels

KIND = "given"
_DIGEST_BYTES = 8


@dataclasses.dataclass(frozen=True, eq=False)
class GivenExamples:
    """Examples of one class each, or of any number.

    Attributes:
        labels: the classes.
        table: every example of every split. Its ids follow from contents, or from the
            paths of files.
        places: absolute paths of the files; empty where examples are values.
    """

    labels: LabelMap
    table: examples.Table
    places: Sequence[str] = ()

    @property
    def digest(self) -> str:
        """Return what tells them from other examples."""
        table = self.table
        found = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        groups = table.groups if table.groups is not None else [""] * len(table.ids)
        names = [row_labels.SEPARATOR.join(names) for names in self.class_names]
        columns = (table.ids, names, table.split_names, groups, table.sizes)
        for row in (*zip(*columns, strict=True), self.places):
            found.update(repr(tuple(map(str, row))).encode())
        return found.hexdigest()

    @property
    def class_names(self) -> Sequence[tuple[str, ...]]:
        """Return the names of the classes of each example."""
        names, labels = self.labels.names, np.asarray(self.table.labels)
        if label_arrays.is_one_class_each(labels):
            return [(names[label],) for label in labels]
        return [tuple(names[k] for k in np.flatnonzero(row)) for row in labels]


_KEPT: dict[str, GivenExamples] = {}


def keep(given: GivenExamples) -> str:
    """Keep examples as long as this process lives; return the `--dataset` of them."""
    digest = given.digest
    _KEPT[digest] = given
    return f"{KIND}:{digest}"


@contextlib.contextmanager
def kept(given: GivenExamples) -> Iterator[str]:
    """Give the `--dataset` of examples that are kept as long as the block runs."""
    was_there = given.digest in _KEPT
    dataset = keep(given)
    try:
        yield dataset
    finally:
        if not was_there:
            del _KEPT[given.digest]


def check(digest: str, config: config_lib.DataConfig) -> None:
    """Check that the examples are in this process.

    Raises:
        errors.DataError: where they are not.
    """
    _find(digest, config)


def load(digest: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of examples.

    Raises:
        errors.DataError: where they are not in this process, or cannot be split.
    """
    found = _find(digest, config)
    return splits.assemble(found.labels, found.table, config)


def load_known(
    digest: str, config: config_lib.DataConfig, known: LabelMap
) -> examples.Labelled:
    """Return examples for a run, of which classes may be missing.

    Raises:
        errors.DataError: where they are not in this process.
    """
    found = _find(digest, config)
    label_map = known.with_others(found.labels.names)
    targets = row_labels.targets(
        found.class_names, label_map, is_multi_label=config.is_multi_label
    )
    return splits.uncut(label_map, dataclasses.replace(found.table, labels=targets))


def _find(digest: str, config: config_lib.DataConfig) -> GivenExamples:
    if digest not in _KEPT:
        raise errors.DataError(
            f"--dataset={config.dataset}: these examples were given to kft.fine_tune "
            "as data=, and this process does not have them. Call it again with the "
            "same config and data."
        )
    return _KEPT[digest]
