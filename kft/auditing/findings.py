"""The faults of a data set, out of what its examples are like."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kft.auditing import label_names, near_duplicates
from kft.auditing.checks import AuditedExample, Checks, Observation
from kft.auditing.scan_dataset import Inspection
from kft.data import label_arrays, labels
from kft.data.examples import Splits

_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class CopyGroup:
    """Examples that are copies of each other, two or more."""

    members: tuple[AuditedExample, ...]

    @property
    def across_splits(self) -> bool:
        """Whether what is trained on is validated or tested on, too."""
        return len({example.split for example in self.members}) > 1

    @property
    def across_labels(self) -> bool:
        """Whether one of the labels is wrong."""
        return len({example.label for example in self.members}) > 1

    @property
    def is_leak(self) -> bool:
        """Whether measured figures are wrong because of it."""
        return self.across_splits or self.across_labels


@dataclasses.dataclass(frozen=True)
class Findings:
    """What an audit found.

    Attributes:
        dataset: the `--dataset`.
        noun: what several of its examples are called.
        counts: number of examples by label and split.
        examples: all of them.
        exact: copies byte by byte.
        near: copies of different bytes; None where nobody looked for any.
        near_rule: when two examples are near copies, a sentence.
        observations: what is odd.
        remarks: what there is to say of all examples together.
        details: what audit.json has of this kind of data, and of no other.
        not_used: number of files in the folder that are no examples, by their ending
            and by the folder they are in.
        skip_flag: with it training leaves out what cannot be read; None where it
            cannot.
    """

    dataset: str
    noun: str
    counts: Mapping[str, Mapping[str, int]]
    examples: Sequence[AuditedExample]
    exact: Sequence[CopyGroup]
    near: Sequence[CopyGroup] | None
    near_rule: str
    observations: Sequence[Observation]
    remarks: Sequence[str]
    details: Mapping[str, Any]
    not_used: Mapping[str, Mapping[str, int]]
    skip_flag: str | None = None

    @property
    def unreadable(self) -> list[AuditedExample]:
        """Examples that training would stop at."""
        return [example for example in self.examples if example.reason is not None]

    @property
    def leaks(self) -> list[CopyGroup]:
        """Copies across splits or labels."""
        return [group for group in (*self.exact, *(self.near or ())) if group.is_leak]

    @property
    def imbalance(self) -> float:
        """How many times as large the largest class of training is as the smallest."""
        numbers = [by_split.get("train", 0) for by_split in self.counts.values()]
        return max(numbers) / max(min(numbers), 1)

    @property
    def similar_labels(self) -> list[tuple[str, str]]:
        """Pairs of classes that may be one class."""
        names = list(self.counts)
        alike = [(one, other) for one, other, *_ in labels.written_alike(names)]
        return list(dict.fromkeys([*label_names.similar(names), *alike]))

    @property
    def not_used_in_words(self) -> list[str]:
        """What kinds of files are no examples, how many, and where most of them are."""
        said = []
        for ending, by_folder in self.not_used.items():
            places = [f"{name} {n:,}" for name, n in list(by_folder.items())[:_SHOWN]]
            if len(by_folder) > _SHOWN:
                places.append(f"{len(by_folder) - _SHOWN:,} more folders")
            number = sum(by_folder.values())
            said.append(f"{ending or 'no ending'} {number:,} ({', '.join(places)})")
        return said

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that makes a training fail or its figures wrong."""
        return not self.unreadable and not self.leaks


def find(
    splits: Splits,
    inspections: Sequence[Inspection],
    checks: Checks,
    *,
    not_used: Mapping[str, Mapping[str, int]],
    skip_flag: str | None = None,
) -> Findings:
    """Return what is wrong with a data set.

    Args:
        splits: the data set.
        inspections: of its examples, split after split.
        checks: that they were inspected with.
        not_used: number of files that are no examples, by ending and folder.
        skip_flag: with it training leaves out what cannot be read.
    """
    examples = _examples(splits, inspections, checks)
    readable = [example for example in examples if example.reason is None]
    near = checks.near_copies(readable)
    return Findings(
        dataset=splits.source,
        noun=checks.noun,
        counts=_counts(splits),
        examples=examples,
        exact=_exact(readable),
        near=None if near is None else _near(near.groups),
        near_rule="" if near is None else near.rule,
        observations=checks.observations(readable),
        remarks=checks.remarks(readable),
        details={checks.count_key: len(examples), **checks.to_json(readable)},
        not_used=not_used,
        skip_flag=skip_flag,
    )


def _examples(
    splits: Splits, inspections: Sequence[Inspection], checks: Checks
) -> list[AuditedExample]:
    listed = [
        (str(name), split, label)
        for split, part in splits.parts().items()
        for name, label in zip(
            part.ids, label_arrays.texts(part.labels, splits.labels), strict=True
        )
    ]
    examples: list[AuditedExample] = []
    for known, inspected in zip(listed, inspections, strict=True):
        example = AuditedExample(
            *known, position=len(examples), reason=inspected.reason
        )
        if inspected.reason is None:
            example = dataclasses.replace(
                example,
                digest=inspected.digest,
                facts=inspected.facts,
                description=checks.describe(inspected.facts),
            )
        examples.append(example)
    return examples


def _counts(splits: Splits) -> dict[str, dict[str, int]]:
    by_split = {
        split: label_arrays.count(part.labels, len(splits.labels)).tolist()
        for split, part in splits.parts().items()
    }
    return {
        name: {split: numbers[index] for split, numbers in by_split.items()}
        for index, name in enumerate(splits.labels.names)
    }


def _exact(examples: Sequence[AuditedExample]) -> list[CopyGroup]:
    digests = np.array([example.digest.hex() for example in examples], dtype=str)
    return [
        CopyGroup(tuple(examples[position] for position in members))
        for members in near_duplicates.same(digests)
    ]


def _near(groups: Sequence[Sequence[AuditedExample]]) -> list[CopyGroup]:
    """Return the groups but those of nothing but the same bytes: exact ones."""
    return [
        CopyGroup(tuple(group))
        for group in groups
        if len({example.digest for example in group}) > 1
    ]
