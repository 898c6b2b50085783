"""The part of a `Display` whose networks have no single place that speaks for all."""

from collections.abc import Sequence
from typing import Any

from kft.model.network import Network
from kft.tasks.task import Tree


class NotExplained:
    """Explains nothing. See `kft.tasks.task.Display`.

    Attributes:
        why_unexplained: a sentence.
    """

    why_unexplained: str

    @property
    def explanation(self) -> str:
        """Return nothing: there is nothing to see."""
        return ""

    def unexplained(self, network: Network) -> str:
        """Return why nothing is explained."""
        del network
        return self.why_unexplained

    def explain(
        self,
        network: Network,
        inputs: Sequence[Tree],
        *,
        targets: Sequence[Any],
        payloads: Sequence[bytes],
    ) -> Sequence[str]:
        """Return nothing; nobody asks, as `unexplained` is not empty."""
        del network, inputs, targets, payloads
        return ()
