"""Texts that a data set has several times: in two splits, or with two labels."""

import collections

from absl import logging

from kft.data import content_ids, label_arrays
from kft.data.examples import Splits
from kft.data.ragged import Ragged


def say(found: Splits, *, flag: str) -> None:
    """Warn of what makes figures better than they are, or no network can learn.

    Args:
        found: texts, with the ids that `content_ids.numbered` gives.
        flag: that names the data set.
    """
    trained = set(map(content_ids.digest_of, found.train.ids))
    held_out = [
        content_ids.digest_of(name)
        for part in (found.validation, found.test)
        if part is not None
        for name in part.ids
    ]
    seen = sum(digest in trained for digest in held_out)
    if seen:
        logging.warning(
            "%s: %d of %d texts of validation and test are in the training split, "
            "too, so figures are better than of new texts.",
            flag,
            seen,
            len(held_out),
        )
    labels = collections.defaultdict(set)
    for part in found.parts().values():
        if not isinstance(part.labels, Ragged):
            texts = label_arrays.texts(part.labels, found.labels)
            for name, label in zip(part.ids, texts, strict=True):
                labels[content_ids.digest_of(name)].add(label)
    several = sum(len(of_text) > 1 for of_text in labels.values())
    if several:
        logging.warning("%s: texts that have more than one label: %d.", flag, several)
