import numpy as np

from kft.reporting import length_chart


def test_an_example_counts_at_the_length_that_it_is_padded_to() -> None:
    lengths = np.array([3, 16, 17, 24, 24, 48, 30, 30])
    shares = length_chart.shares(lengths, (16, 24, 48))
    assert shares == [2 / 8, 3 / 8, 3 / 8]
    assert length_chart.shares(np.array([16]), (16, 24)) == [1.0, 0.0]
