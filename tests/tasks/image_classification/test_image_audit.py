"""What an audit asks of images."""

import pytest

from kft.auditing.checks import AuditedExample
from kft.data.image.image_stats import ImageStats
from kft.tasks.image_classification.image_audit import ImageChecks
from tests.data import image_files

_CHECKS = ImageChecks(max_pixels=1000, near_bits=2)


def _example(name="1.png", **more):
    facts = {"kind": "PNG", "width": 90, "height": 70, "is_flat": False, "hash": 7}
    return AuditedExample(name, "train", "a", 0, facts=ImageStats(**{**facts, **more}))


def _observed(*examples, checks=_CHECKS):
    return {o.name: len(o.examples) for o in checks.observations(examples)}


@pytest.mark.parametrize(
    ("example", "name"),
    [
        (_example("1.JPEG"), "format is not that of the name"),
        (_example(width=31), "tiny (a side below 32 pixels)"),
        (_example(width=351), "very long (over 5 to 1)"),
        (_example(is_flat=True), "of one color"),
        (_example(hash=None), "too small or flat for near copies"),
    ],
)
def test_an_odd_image_is_observed_by_one_name(example, name):
    usual = [_example(width=350), _example("2", width=32), _example("3.PNG")]
    assert sum(_observed(*usual).values()) == 0
    found = _observed(*usual, example)
    assert {k: n for k, n in found.items() if n} == {name: 1}


def test_near_copies_differ_in_few_bits():
    three = [_example(hash=bits) for bits in (0b1111, 0b1100, 0b11111110000)]
    (group,) = _CHECKS.near_copies([*three, _example(hash=None)]).groups
    assert group == three[:2]
    unasked = ImageChecks(max_pixels=1000, near_bits=None)
    assert unasked.near_copies(three) is None
    assert "too small or flat for near copies" not in _observed(
        _example(hash=None), checks=unasked
    )


def test_the_remarks_say_formats_and_sizes():
    examples = [_example(), _example(kind="JPEG"), _example(width=120, height=80)]
    assert _CHECKS.remarks(examples) == [
        "PNG 2, JPEG 1. Width 90 to 120, median 90; height 70 to 80, median 70 pixels."
    ]
    assert _CHECKS.remarks([]) == []
    assert "1 images are too small" in _CHECKS.remarks([_example(hash=None)])[1]


def test_a_preview_is_an_element_that_escapes_the_name():
    html = _CHECKS.preview(image_files.solid("red"), '"<b>')
    assert html.startswith('<img src="data:image/jpeg;base64,')
    assert html.endswith('alt="&#34;&lt;b&gt;">')
    assert _CHECKS.preview(b"no image", "x") is None
