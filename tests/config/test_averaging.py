"""The grammar of --average: what is written comes back, and mistakes are named."""

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.config import averaging
from kft.config.averaging import Averaging

_AVERAGINGS = st.builds(
    Averaging, st.sampled_from(["last", "best"]), st.integers(2, 99)
)


@hypothesis.given(_AVERAGINGS)
def test_parsing_gives_back_what_was_formatted(chosen):
    assert averaging.parse(str(chosen)) == chosen


def test_none_averages_nothing():
    assert averaging.parse("none") is None


@pytest.mark.parametrize(
    "text",
    "|last|last:|last:1|last:0|last:02|last:100|last:-2|best:2.5|first:3|3|"
    "last:3,best:3| last:3|LAST:3|last:٣".split("|"),
)
def test_a_mistake_is_named_with_what_was_expected(text):
    with pytest.raises(errors.ConfigError, match="--average: expected none, last:K"):
        averaging.parse(text)
