import numpy as np

from kft.metrics import classification
from kft.metrics.figures import Breakdown, Figure, Group


def _group(label: str, f1: float | None) -> Group:
    figures = (
        Figure(name="recall", title="recall", value=0.0),
        Figure(name="f1", title="F1", value=f1),
    )
    return Group(label, 1, figures)


def test_the_worst_groups_are_those_whose_ranking_figure_is_lowest() -> None:
    values = zip("abcd", (0.9, 0.7, None, 0.8), strict=True)
    groups = tuple(_group(label, f1) for label, f1 in values)
    found = Breakdown("class", "classes", groups, ranked_by="f1").worst(2)
    assert [(label, one.value) for label, one in found] == [("b", 0.7), ("d", 0.8)]


def test_figures_of_classes_have_the_names_and_values_of_their_json() -> None:
    labels = np.array([0, 1, 1, 2])
    figures = classification.measure(np.eye(3)[[0, 1, 0, 2]], labels, ("a", "b", "c"))
    kept = figures.to_json()
    headline = figures.headline()
    assert headline[0].name == "accuracy"
    assert headline[0].interval == figures.accuracy_interval
    for one in headline:
        assert one.value == kept[one.name]
    top_5 = next(one for one in headline if one.name == "top_5_accuracy")
    assert (top_5.value, top_5.note) == (None, figures.undefined["top_5_accuracy"])
    breakdown = figures.breakdown()
    for group, one in zip(breakdown.groups, kept["classes"], strict=True):
        assert (group.label, group.examples) == (one["label"], one["examples"])
        assert {f.name: f.value for f in group.figures}.items() <= one.items()
