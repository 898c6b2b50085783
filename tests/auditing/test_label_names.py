"""Names of classes that look like one class written twice."""

import pytest

from kft.auditing import label_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rose", "Rose"),
        ("rose", "roses"),
        ("polar bear", "polar_bear"),
        ("dandelion", "dandelions "),
        ("sunflower", "sunfower"),
        ("sunflower", "sunflowre"),
        ("sunflower", "sumflower"),
        ("Straße", "strasse"),
    ],
)
def test_two_ways_to_write_one_name_are_similar(one, other):
    assert label_names.similar([one, "x", other]) == [(one, other)]


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "bat", "rat"],
        ["0", "1", "2", "10"],
        ["model 3", "model 4"],
        ["daisy", "dandelion", "rose", "sunflower", "tulip"],
        ["n01440764", "n01443537"],
        ["s", "-", "?"],
    ],
)
def test_other_names_are_not(names):
    assert label_names.similar(names) == []


def test_thousands_of_names_are_compared_at_once():
    names = [
        f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)} kind {n}" for n in range(5000)
    ]
    assert label_names.similar([*names, "tulip", "tulips"]) == [("tulip", "tulips")]
