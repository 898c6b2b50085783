"""The little that sources of encoded examples know of what is encoded."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class PayloadKind:
    """How to know the encoded examples of one kind where they lie.

    Attributes:
        name: what one of them is called.
        noun: what several are called.
        file_endings: of their files in folders, in lower case with the dot.
        tfds_feature: class of their feature, in `tensorflow_datasets.features`.
        tfrecord_features: the usual names of the features of a tf.train.Example: of
            `name`, and of label and text, the number and the name of the class.
        advice_on_endings: what to do with files that may be examples and end otherwise,
            a sentence by their ending.
        caution_on_endings: what to know of files that are examples, a sentence by their
            ending.
        parts: names of the features that together are one of them; none where it is one
            feature alone, of its name.
        separator: stands between the parts in an encoded example.
    """

    name: str
    noun: str
    file_endings: tuple[str, ...]
    tfds_feature: str
    tfrecord_features: Mapping[str, str]
    advice_on_endings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    caution_on_endings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parts: tuple[str, ...] = ()
    separator: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the features that one of them is made of."""
        return self.parts or (self.name,)
