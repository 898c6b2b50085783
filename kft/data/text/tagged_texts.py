"""Data sets of texts whose words have tags, whatever file they come from."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.data import content_ids, examples, labels, splits
from kft.data.ragged import Ragged
from kft.data.text import repeated_texts, tag_schemes, words
from kft.data.text.tag_schemes import TagScheme
from kft.data.text.text_reader import TextReader


@dataclasses.dataclass(frozen=True)
class TaggedText:
    """A text of a data set.

    Attributes:
        text: whose words `kft.data.text.words` finds.
        tags: of the words, BIO.
        split: one of `examples.SPLITS`; None where the data names none.
    """

    text: str
    tags: Sequence[str]
    split: str | None = None


def assemble(
    found: Sequence[TaggedText], config: config_lib.DataConfig
) -> examples.Splits:
    """Return the splits of texts; equal ones stay in one where splits are cut.

    Raises:
        errors.DataError: where there are no entities, or a split has no texts.
    """
    label_map = _labels(found, config)
    made = splits.assemble(label_map, _table(found, label_map), config)
    repeated_texts.say(made, flag=f"--dataset={config.dataset}")
    return made


def known(found: Sequence[TaggedText], run: labels.LabelMap) -> examples.Labelled:
    """Return texts for a run, whose tags come first, then those of other types."""
    own = [tag for tag in tag_schemes.names(_types(found)) if tag not in run.names]
    label_map = labels.LabelMap((*run.names, *own))
    return splits.uncut(label_map, _table(found, label_map))


def in_bio(
    tags: Sequence[str],
    scheme: tag_schemes.TagScheme,
    *,
    place_of: Callable[[int], str],
) -> list[str]:
    """Return the tags of a sentence in BIO.

    Args:
        tags: of its words, in the scheme.
        scheme: of the file.
        place_of: returns where the word at a position is, for messages.

    Raises:
        errors.DataError: for a tag that the scheme does not have where it is.
    """
    try:
        return tag_schemes.to_bio(tags, scheme)
    except tag_schemes.TagError as error:
        raise errors.DataError(
            f"{place_of(error.position)}: expected a tag of the scheme {scheme}: "
            f"{error}. --tag_scheme says which one the files have; bio, iob1 and bioes "
            "are known."
        ) from error


class TaggedWords(Protocol):
    """Words with a tag each, as a file has them."""

    @property
    def words(self) -> Sequence[str]:
        """Return the words."""

    @property
    def tags(self) -> Sequence[str]:
        """Return their tags, in the scheme of the file."""

    def place_of(self, position: int) -> str:
        """Return where a word is, for messages."""


def of_words(
    found: Sequence[TaggedWords],
    splits: Sequence[str | None],
    *,
    scheme: TagScheme | Literal["auto"],
) -> list[TaggedText]:
    """Return texts made of words.

    Args:
        found: the words of each.
        splits: of each; None where the data names none.
        scheme: of the tags; `auto` to tell it by them.

    Raises: see `in_bio`.
    """
    if scheme == "auto":
        scheme = tag_schemes.scheme_of(one.tags for one in found)
    return [
        TaggedText(
            words.joined(one.words),
            in_bio(one.tags, scheme, place_of=one.place_of),
            split,
        )
        for one, split in zip(found, splits, strict=True)
    ]


def _table(found: Sequence[TaggedText], label_map: labels.LabelMap) -> examples.Table:
    payloads = [one.text.encode() for one in found]
    digests = [content_ids.digest(payload) for payload in payloads]
    names_splits = any(one.split is not None for one in found)
    return examples.Table(
        ids=np.array(content_ids.numbered(digests)),
        labels=Ragged.from_rows(
            [np.array(list(map(label_map.index, one.tags)), np.int32) for one in found],
            like=np.zeros([0], np.int32),
        ),
        sizes=np.array([len(payload) for payload in payloads], np.int64),
        split_names=np.array([one.split or examples.TRAIN for one in found]),
        read=TextReader(payloads),
        groups=None if names_splits else np.array(digests),
    )


def _labels(
    found: Sequence[TaggedText], config: config_lib.DataConfig
) -> labels.LabelMap:
    types = _types(found)
    if not types:
        raise errors.DataError(
            f"--dataset={config.dataset}: expected words with tags such as B-NAME and "
            f"I-NAME, received only {tag_schemes.OUTSIDE} in {len(found)} texts."
        )
    return labels.LabelMap(tag_schemes.names(types))


def _types(found: Sequence[TaggedText]) -> set[str]:
    tags = {tag for one in found for tag in one.tags}
    return {tag[2:] for tag in tags if tag != tag_schemes.OUTSIDE}
