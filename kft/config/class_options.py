"""Options about the classes of examples."""

import dataclasses

from kft.config.data import DataConfig
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassOptions(DataConfig):
    """How many classes an example has, and where a table says them."""

    multi_label: bool = option(
        False,
        "Whether an example may be of several classes at a time, or of none. The label "
        "of a csv: table, or of the metadata.csv of a folder:, is then their names "
        "with | between them, or empty (or see --label_columns); that of a jsonl: line "
        "is a list of them.",
    )
    label_columns: tuple[str, ...] = option(
        (),
        "Columns of a csv: table, or of the metadata.csv of a folder:, that are "
        "classes, with 1 for the examples of it and 0 for the others, in place of a "
        "column label (--multi_label).",
    )

    @property
    def is_multi_label(self) -> bool:
        """Return whether an example may be of several classes, or of none."""
        return self.multi_label

    @property
    def class_columns(self) -> tuple[str, ...]:
        """Return the columns of a table that are classes; () for a column label."""
        return self.label_columns
