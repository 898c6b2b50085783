"""Texts that a table holds: columns text and label, and maybe split and group.

An example is known by a digest of its text, so its split stays the same when rows are
added, moved or removed. Where the table names neither splits nor groups, equal texts
stay in one split.
"""

import collections
import functools
import hashlib
import typing
from collections.abc import Sequence

import numpy as np

from kft import config as config_lib
from kft.data import examples, splits
from kft.data.labels import LabelMap
from kft.data.sources import filesystem, labelled_rows
from kft.data.sources.labelled_rows import RowClasses
from kft.data.sources.table_file import TableRow

if typing.TYPE_CHECKING:
    import tensorflow as tf

_TEXT = "text"


def check(path: str, config: config_lib.DataConfig) -> None:
    """Find mistakes in a table; a remote one waits for `load`.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    if not filesystem.is_remote(path):
        labelled_rows.classes(labelled_rows.read(path, _TEXT, config), config)


def load(path: str, config: config_lib.DataConfig) -> examples.Splits:
    """Return the splits of a table.

    Raises:
        errors.ConfigError: where there is no such file.
        errors.DataError: where it is no such table, naming the line.
    """
    rows = labelled_rows.read(path, _TEXT, config)
    found = labelled_rows.classes(rows, config)
    return splits.assemble(found.labels, _table(rows, found), config)


def load_known(
    path: str, config: config_lib.DataConfig, known: LabelMap
) -> examples.Labelled:
    """Return the texts of a table for a run, of which classes may be missing.

    Raises:
        errors.ConfigError, errors.DataError: see `load`.
    """
    rows = labelled_rows.read(path, _TEXT, config)
    found = labelled_rows.classes(rows, config, known=known)
    return splits.uncut(found.labels, _table(rows, found))


def _table(rows: Sequence[TableRow], found: RowClasses) -> examples.Table:
    payloads = [row.values[_TEXT].encode() for row in rows]
    digests = [_digest(payload) for payload in payloads]
    groups = found.groups
    if groups is None and "split" not in rows[0].values:
        groups = np.array(digests)
    return examples.Table(
        ids=np.array(_numbered(digests)),
        labels=found.ids,
        sizes=np.array([len(payload) for payload in payloads], np.int64),
        split_names=found.split_names,
        read=_Texts(payloads),
        groups=groups,
    )


def _digest(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=8).hexdigest()


def _numbered(digests: Sequence[str]) -> list[str]:
    """Return digests with a number at those that came before, such as 2f0a-2."""
    counts: collections.Counter[str] = collections.Counter()
    ids = []
    for digest in digests:
        counts[digest] += 1
        number = counts[digest]
        ids.append(digest if number == 1 else f"{digest}-{number}")
    return ids


class _Texts:
    """A `Read` of texts in memory; TensorFlow starts when it is first asked."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._payloads = payloads

    def __call__(self, rows: "tf.Tensor") -> "tf.Tensor":
        return self._read(rows)

    @functools.cached_property
    def _read(self) -> examples.Read:
        import tensorflow as tf

        from kft.data.sources import record_reader

        # Outside of the function that may be asking, so that others can have it too.
        with tf.init_scope():
            return record_reader.from_memory(self._payloads)
