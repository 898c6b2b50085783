"""The seam between an audit and the kind of data that it looks at. No TensorFlow."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

# What `Checks.inspect` returns; only these checks know what it is.
Facts = Any


@dataclasses.dataclass(frozen=True)
class AuditedExample:
    """An example of the data set, and what is known of it.

    Attributes:
        id: of the example.
        split: that it is in.
        label: name of its class; of several, all of them.
        position: among all examples, split after split.
        reason: why it cannot be read, one line; None for a good one. Nothing below is
            known of a bad one.
        digest: SHA-256 of its bytes.
        facts: of `Checks.inspect`.
        description: of `Checks.describe`.
    """

    id: str
    split: str
    label: str
    position: int
    reason: str | None = None
    digest: bytes = b""
    facts: Facts = None
    description: str = ""

    def named(self) -> dict[str, str]:
        """Return which example it is, as audit.json has it."""
        return {"id": self.id, "split": self.split, "label": self.label}


@dataclasses.dataclass(frozen=True)
class NearCopies:
    """Copies of different bytes.

    Attributes:
        groups: of two examples or more. A group may also hold exact copies.
        rule: when two examples are near copies, a sentence.
    """

    groups: Sequence[Sequence[AuditedExample]]
    rule: str


@dataclasses.dataclass(frozen=True)
class Observation:
    """Something odd that some examples have in common; training can live with it.

    Attributes:
        name: in the table of a terminal.
        examples: that it is true of.
        title: of its section on the page; None where it has none.
        advice: what it means, a sentence below the title.
        note: what to say of one of them.
    """

    name: str
    examples: Sequence[AuditedExample]
    title: str | None = None
    advice: str = ""
    note: Callable[[AuditedExample], str] = lambda example: ""


class Checks(Protocol):
    """What an audit asks of examples of one kind. It is sent to other processes.

    What is called `examples` can be read, all of it.
    """

    @property
    def noun(self) -> str:
        """Return what several examples are called, in small letters."""

    @property
    def count_key(self) -> str:
        """Return the key of audit.json that holds the number of examples."""

    def start_process(self) -> None:
        """Make a process ready that calls `inspect`."""

    def inspect(self, content: bytes) -> Facts:
        """Return what one example is like, read to its end.

        Raises:
            Exception: of any kind, with a message, for what training cannot read.
        """

    def preview(self, content: bytes, name: str) -> str | None:
        """Return a small view of an example as HTML, None where there is none."""

    def describe(self, facts: Facts) -> str:
        """Return what an example is like, in a few words."""

    def near_copies(self, examples: Sequence[AuditedExample]) -> NearCopies | None:
        """Return copies of different bytes; None where nobody looked for any."""

    def observations(self, examples: Sequence[AuditedExample]) -> Sequence[Observation]:
        """Return what is odd, also what is true of no example."""

    def remarks(self, examples: Sequence[AuditedExample]) -> Sequence[str]:
        """Return what to say of all of them together, as sentences."""

    def to_json(self, examples: Sequence[AuditedExample]) -> Mapping[str, Any]:
        """Return what audit.json has beside what it has of every kind of data."""
