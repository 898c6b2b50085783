"""Patterns with braces: what they stand for."""

import re

import hypothesis
import pytest
from hypothesis import strategies as st

from kft.data.sources import brace_pattern


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{0..3}.tar", ["a-0.tar", "a-1.tar", "a-2.tar", "a-3.tar"]),
        ("{0..12}", [str(n) for n in range(13)]),
        ("{08..11}", ["08", "09", "10", "11"]),
        ("{0..010}", [f"{n:03d}" for n in range(11)]),
        ("{9..11}", ["9", "10", "11"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{train,test}-{0..1}", ["train-0", "train-1", "test-0", "test-1"]),
        ("a{,b}", ["a", "ab"]),
        ("{a,{b,c}}d", ["ad", "bd", "cd"]),
        ("{{0..1},x}", ["0", "x", "1"]),
        ("{a}{}{0..x}", ["{a}{}{0..x}"]),
        ("{{a,b}", ["{a", "{b"]),
        ("{a,a}", ["a"]),
    ],
)
def test_a_pattern_stands_for_names(pattern, expected):
    assert brace_pattern.expand(pattern) == expected


@pytest.mark.parametrize(
    "pattern", ["{0..1000000}", "{0..999}{0..999}{0..999}", "{0..99999999999999999999}"]
)
def test_more_names_than_anybody_has_are_refused(pattern):
    with pytest.raises(ValueError, match="more than 1000000 names"):
        brace_pattern.expand(pattern)


@hypothesis.given(st.text(alphabet="ab{},.0123", max_size=14))
def test_whatever_is_written_has_names_in_which_nothing_is_left_to_expand(pattern):
    hypothesis.assume(not re.search(r"\d{4}", pattern))
    found = brace_pattern.expand(pattern)
    assert found
    assert len(set(found)) == len(found)
    assert all(brace_pattern.expand(name) == [name] for name in found)


@hypothesis.given(
    st.integers(0, 300),
    st.integers(0, 40),
    st.integers(1, 5),
    st.text("ab-./", max_size=5),
)
def test_a_padded_range_is_what_python_formats(first, more, width, around):
    begin, end = f"{first:0{width}d}", f"{first + more:0{width}d}"
    is_padded = begin.startswith("0") and begin != "0"
    wide = max(len(begin), len(end)) if is_padded else 0
    expected = [
        f"{around}{str(n).zfill(wide)}{around}" for n in range(first, first + more + 1)
    ]
    assert brace_pattern.expand(f"{around}{{{begin}..{end}}}{around}") == expected
