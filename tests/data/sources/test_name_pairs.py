"""Names that a user gives to columns and features."""

import pytest

from kft import errors
from kft.data.sources import name_pairs

_DEFAULTS = {"path": "path", "label": "label", "group": "group"}


def _parse(*pairs, needed=("path", "label")):
    return name_pairs.parse("csv_columns", pairs, _DEFAULTS, needed=needed)


def test_what_is_not_given_has_its_default():
    assert _parse() == _DEFAULTS
    assert _parse(" label = species ") == {**_DEFAULTS, "label": "species"}
    assert _parse("label=a=b")["label"] == "a=b"


def test_a_default_that_another_part_takes_is_free():
    assert _parse("label=group") == {"path": "path", "label": "group"}
    assert _parse("label=path", "path=label") == {
        "label": "path",
        "path": "label",
        "group": "group",
    }


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["label"], "expected PART=NAME, such as path=path, received 'label'"),
        (["label="], "received 'label='"),
        (
            ["labl=x"],
            "one of path, label, group .*'labl'. Did you mean label",
        ),
        (["label=x", "label=y"], "'label' is given twice"),
        (["label=x", "path=x"], "'x' is given twice"),
        (["label=path"], "'path' is given to another part; say with path=NAME"),
    ],
)
def test_mistakes_are_named(pairs, message):
    with pytest.raises(errors.ConfigError, match=f"--csv_columns: .*{message}"):
        _parse(*pairs)


def test_given_pairs_take_the_place_of_own_ones_of_the_same_part():
    own = ("path=file", " label = kind")
    assert name_pairs.merged(own, ()) == own
    assert name_pairs.merged(own, ("label=sort",)) == ("path=file", "label=sort")
    assert name_pairs.merged(own, ("group=of", "group=in")) == (
        *own,
        "group=of",
        "group=in",
    )
