"""The figures that say what a network is worth, whatever its task. Pure values."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure as a person reads it.

    Attributes:
        name: its key in `Figures.to_json`.
        title: what it is called.
        value: None where it is not defined.
        interval: the 95% interval around it; None where none is known.
        note: its unit or range, or why it is not defined.
        is_share: whether it is read as a percentage.
    """

    name: str
    title: str
    value: float | None
    interval: tuple[float, float] | None = None
    note: str = ""
    is_share: bool = False


@dataclasses.dataclass(frozen=True)
class Group:
    """The figures of one part of the examples.

    Attributes:
        label: its name, such as that of a class.
        examples: how many it has (support).
        figures: the same of every group, in the same order.
    """

    label: str
    examples: int
    figures: tuple[Figure, ...]

    @classmethod
    def of(
        cls,
        label: str,
        examples: int,
        values: Mapping[str, Any],
        *,
        titles: Mapping[str, str],
        undefined: Mapping[str, str],
    ) -> Self:
        """Return the group with some figures.

        Args:
            label: its name.
            examples: how many it has.
            values: of figures by their names, and maybe others.
            titles: what those that are shown are called, in their order.
            undefined: why a figure is None, by its name.
        """
        figures = (
            Figure(
                name=name, title=title, value=values[name], note=undefined.get(name, "")
            )
            for name, title in titles.items()
        )
        return cls(label, examples, tuple(figures))


@dataclasses.dataclass(frozen=True)
class Breakdown:
    """What a network is worth on each part of the examples, such as a class.

    Attributes:
        title: what a part is called, such as `class`.
        plural: the same of several.
        groups: the parts.
        ranked_by: name of the figure by which one is better than another.
        mistakes: kinds of mistakes in words, each with how many there are; () where
            none are told apart.
        higher_is_better: whether more of the figure of `ranked_by` is.
    """

    title: str
    plural: str
    groups: tuple[Group, ...]
    ranked_by: str
    mistakes: tuple[tuple[str, int], ...] = ()
    higher_is_better: bool = True

    def worst_first(self) -> list[int]:
        """Return the positions of the groups, the worst first; those unknown last."""

        def key(position: int) -> tuple[bool, float]:
            value = self._rank(self.groups[position]).value
            if value is None:
                return True, 0.0
            return False, value if self.higher_is_better else -value

        return sorted(range(len(self.groups)), key=key)

    def worst(self, count: int) -> list[tuple[str, Figure]]:
        """Return label and figure of up to `count` groups, the worst first."""
        ordered = [self.groups[position] for position in self.worst_first()]
        ranks = [(group.label, self._rank(group)) for group in ordered]
        return [one for one in ranks if one[1].value is not None][:count]

    def _rank(self, group: Group) -> Figure:
        return next(one for one in group.figures if one.name == self.ranked_by)


class Figures(Protocol):
    """What a network is worth on a set of examples."""

    def to_json(self) -> dict[str, Any]:
        """Return everything, as evaluation.json has it.

        `examples` is how many there are. What `Objective.metrics` names has the same
        name here.
        """

    def headline(self) -> Sequence[Figure]:
        """Return the figures of all examples together, the most asked for first."""

    def breakdown(self) -> Breakdown | None:
        """Return the figures of the parts; None where nothing is told apart."""
