import pytest

from kft.metrics import significance


def test_mcnemar_is_the_two_sided_binomial_by_hand() -> None:
    # 1 against 9: twice the chance of 0 or 1 heads in 10 throws.
    assert significance.mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert significance.mcnemar(9, 1) == significance.mcnemar(1, 9)


def test_as_many_only_right_on_either_side_show_nothing() -> None:
    assert significance.mcnemar(7, 7) == pytest.approx(1.0)
    assert significance.mcnemar(0, 0) == 1.0


def test_the_same_share_means_more_with_more_examples() -> None:
    assert significance.mcnemar(2, 4) > 0.05 > significance.mcnemar(20, 40)


def test_holm_multiplies_by_how_many_are_left() -> None:
    corrected = significance.holm([0.03, 0.01, 0.04])
    # 0.04 alone would be 0.04, but what is less likely is not more certain.
    assert corrected == pytest.approx([0.06, 0.03, 0.06])


def test_holm_leaves_a_single_value_and_stays_below_1() -> None:
    assert significance.holm([0.2]) == [0.2]
    assert significance.holm([0.6, 0.9]) == [1.0, 1.0]
    assert significance.holm([]) == []
