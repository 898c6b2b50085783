"""What a terminal shows of an audit."""

import io

from rich.console import Console

from kft.auditing import console as console_lib
from kft.auditing.checks import AuditedExample, Observation
from kft.auditing.findings import CopyGroup, Findings


def _findings(counts, examples=(), **more):
    given = {
        "exact": (),
        "near": (),
        "near_rule": "",
        "observations": (),
        "remarks": (),
        "details": {},
        "not_used": {},
        **more,
    }
    return Findings("folder:[red]x", "sounds", counts, examples, **given)


def _shown(findings):
    """Return the lines, with one blank between the cells."""
    text = io.StringIO()
    console_lib.show(findings, Console(file=text, width=200))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def _example(name, split, position, **more):
    return AuditedExample(name, split, "a", position, **more)


def test_each_finding_has_its_number_and_an_example():
    train, other, val = (
        _example(name, split, place, digest=b"1", description="300 x [20]")
        for place, (name, split) in enumerate(
            (("[1].png", "train"), ("2.png", "train"), ("3.png", "validation"))
        )
    )
    bad = _example("bad.png", "train", 3, reason="truncated [x]")
    lines = _shown(
        _findings(
            {"a": {"train": 3, "validation": 1}, "As": {"train": 1, "validation": 0}},
            [train, other, val, bad],
            exact=[CopyGroup((train, other, val))],
            observations=[Observation("very long", [train, other])],
            not_used={
                ".heic": {"a": 900, "b": 200, "c": 90, "d": 10},
                "": {"a": 1},
            },
        )
    )
    assert lines[0] == "folder:[red]x: 4 sounds of 2 classes"
    assert "a 3 1 4" in lines
    # The example is a pair that shows why: of two splits.
    place = lines.index("exact copies across splits 1 [1].png (train)")
    assert lines[place + 1] == "3.png (validation)"
    assert "exact copies across labels 0" not in lines
    assert (
        "not found exact copies across labels; exact copies otherwise; near copies "
        "across splits; near copies across labels; near copies otherwise" in lines
    )
    assert "files that cannot be read 1 bad.png: truncated [x]" in lines
    assert "very long 2 [1].png (300 x [20])" in lines
    assert "largest / smallest class 3.0 a / As (training)" in lines
    assert "classes of similar names 1 a and As" in lines
    assert (
        "files that are no examples 1,201 "
        ".heic 1,200 (a 900, b 200, c 90, 1 more folders), no ending 1 (a 1)" in lines
    )


def test_of_many_classes_the_largest_and_smallest_are_shown():
    counts = {f"class {number}": {"train": number + 1} for number in range(1000)}
    lines = _shown(_findings(counts, near=None))
    assert "class 999 1,000 1,000" in lines
    assert "class 990 991 991" in lines
    assert "class 989 990 990" not in lines
    assert "(980 more, in audit.json)" in lines
    assert "class 9 10 10" in lines
    assert "class 0 1 1" in lines
    assert not any(line.startswith("near copies") for line in lines)
