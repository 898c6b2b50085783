"""The figure that --assert_accuracy_at_least is about; no TensorFlow here."""

from kft.evaluation import accuracy_bar
from kft.evaluation.accuracy_bar import JudgedFigure


def test_the_accuracy_is_judged_whatever_chose_the_weights() -> None:
    figures = {"loss": 0.1, "accuracy": 0.8, "f1": 0.5}
    found = accuracy_bar.judged(figures, "f1", higher_is_better=True)
    assert found == JudgedFigure("accuracy", 0.8)


def test_a_task_without_accuracy_is_judged_by_what_chooses_its_weights() -> None:
    found = accuracy_bar.judged({"span_f1": 0.5}, "span_f1", higher_is_better=True)
    assert found == JudgedFigure("span_f1", 0.5)
    assert found.problem(0.5) is None
    assert str(found.problem(0.6, effect="Nothing was exported.")) == (
        "--assert_accuracy_at_least=0.6: the span f1 is 0.5000. Nothing was exported."
    )


def test_where_less_is_better_the_bar_is_the_highest_that_passes() -> None:
    found = accuracy_bar.judged({"wer": 0.2}, "wer", higher_is_better=False)
    assert found.passes(0.2) and found.problem(0.3) is None
    assert not found.passes(0.1)
    assert "the wer (less is better) is 0.2000" in str(found.problem(0.1))


def test_what_is_not_known_does_not_pass() -> None:
    found = accuracy_bar.judged({}, "f1", higher_is_better=True)
    assert (found.value, found.passes(0.0), found.problem(0.5)) == (None, False, None)
