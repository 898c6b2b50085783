"""The median stopping rule."""

import functools

from kft.search import pruning

_is_hopeless = functools.partial(pruning.is_hopeless, higher_is_better=True)
GOOD, FAIR, BAD = [0.5, 0.7, 0.9], [0.4, 0.6, 0.8], [0.1, 0.2, 0.3]


def test_a_best_below_the_median_of_the_means_so_far_is_hopeless():
    # After two thirds the means are 0.6, 0.5 and 0.15; their median is 0.5.
    assert _is_hopeless([0.3, 0.49], 3, [GOOD, FAIR, BAD])
    assert not _is_hopeless([0.3, 0.5], 3, [GOOD, FAIR, BAD])
    # Not the last epoch counts but the best.
    assert not _is_hopeless([0.5, 0.3], 3, [GOOD, FAIR, BAD])


def test_only_what_others_had_by_then_counts():
    late = [0.0, 0.0, 1.0]
    assert not _is_hopeless([0.1], 3, [late, late, late])
    assert _is_hopeless([0.1, 0.1, 0.1], 3, [late, late, late])


def test_curves_of_other_lengths_are_compared_by_their_share():
    long = [0.5] * 10 + [0.9] * 10
    # Half of the way: 0.5 in 20 epochs is not ahead of 0.5 in 2.
    assert not _is_hopeless([0.5], 2, [long, long, long])
    assert _is_hopeless([0.49], 2, [long, long, long])


def test_nothing_is_hopeless_early_or_with_few_to_compare_with():
    assert not _is_hopeless([0.0], 4, [GOOD, GOOD, GOOD])
    assert not _is_hopeless([0.0], 2, [GOOD, GOOD])
    assert not _is_hopeless([0.0], 2, [GOOD, GOOD, []])
    assert not _is_hopeless([], 2, [GOOD, GOOD, GOOD])


def test_a_trial_that_does_as_the_others_did_is_never_hopeless():
    # Late epochs that are better must not be taken for earlier ones.
    for epochs in range(1, 61):
        curve = [0.5 + 0.001 * epoch for epoch in range(epochs)]
        flat = [[0.5] * done + [0.9] * (epochs - done) for done in range(epochs + 1)]
        for done in range(1, epochs + 1):
            assert not _is_hopeless(curve[:done], epochs, [curve] * 3)
            same = flat[done]
            assert not _is_hopeless(same[:done], epochs, [same] * 3)


def test_where_less_is_better_a_trial_above_the_median_is_hopeless():
    def is_hopeless(curve):
        errors = [[0.6, 0.4, 0.1], [0.7, 0.5, 0.1], [0.9, 0.9, 0.9]]
        return pruning.is_hopeless(curve, 3, errors, higher_is_better=False)

    # After two thirds the means are 0.5, 0.6 and 0.9.
    assert is_hopeless([0.61, 0.7])
    assert not is_hopeless([0.6, 0.7])
    # Not the last epoch counts but the best.
    assert not is_hopeless([0.1, 0.7])
