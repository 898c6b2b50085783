"""The grammar of --augment: what is written comes back, and mistakes are named."""

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.config import augmentations
from kft.config.augmentations import Augmentation


@st.composite
def _chosen(draw):
    names = draw(st.sets(st.sampled_from(sorted(augmentations.KINDS))))
    if "standard" in names:
        names.discard("flip")
    return tuple(
        Augmentation(
            name,
            kind.strength
            and draw(st.floats(0, kind.largest, exclude_min=True, allow_nan=False)),
        )
        for name, kind in augmentations.KINDS.items()
        if name in names
    )


@hypothesis.given(_chosen())
def test_parsing_gives_back_what_was_formatted(chosen):
    assert augmentations.parse(augmentations.format_augment(chosen)) == chosen


@hypothesis.given(_chosen(), st.randoms(use_true_random=False))
def test_the_order_in_the_flag_means_nothing(chosen, random):
    parts = augmentations.format_augment(chosen).split(",")
    random.shuffle(parts)
    assert augmentations.parse(", ".join(parts)) == chosen


def test_a_name_alone_has_the_usual_strength():
    assert augmentations.parse("mixup,standard") == (
        Augmentation("standard"),
        Augmentation("mixup", 0.2),
    )
    assert augmentations.parse("none") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "colour",
            r"received 'colour'.*Did you mean color\?.*Possible values: none, f",
        ),
        ("", "received '' in ''.*Possible values"),
        ("flip,", "received '' in 'flip,'"),
        ("none,flip", "none stands alone"),
        ("flip,flip", "flip twice"),
        ("flip,standard", "leave flip out"),
        ("flip@0.5", "flip takes no strength"),
        ("color@", "largest change of a factor, above 0 and at most 1"),
        ("color@1.5", "at most 1, received 'color@1.5'"),
        ("color@nan", "received 'color@nan'"),
        ("randaugment@0", "the magnitude, above 0 and at most 10"),
        ("mixup@inf", "alpha of the Beta"),
    ],
)
def test_a_mistake_is_named_with_what_is_legal(text, message):
    with pytest.raises(errors.ConfigError, match=f"--augment: .*{message}"):
        augmentations.parse(text)
