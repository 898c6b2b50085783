"""Stages: parse, format, check."""

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.config import stages as config_stages
from kft.config.stages import Blocks, Stage

BLOCKS = Blocks(
    names=("conv2_block1", "conv2_block2", "conv3_block1", "conv4_block1"),
    groups=(("conv2", "conv2_block1"), ("conv3", "conv3_block1")),
)

_STAGES = st.lists(
    st.builds(
        Stage,
        unfreeze=st.from_regex(r"[^:@,\s]+", fullmatch=True),
        epochs=st.integers(1, 10**9 - 1),
        learning_rate=st.none()
        | st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
).map(tuple)
# Texts near the grammar, which plain random text never is.
_NEARLY = st.lists(
    st.sampled_from(["head", "all", "top", "conv5", "0", "1", "9", "1e-2", "nan", "-1"])
    | st.sampled_from(list(":@,. eE-+_\n\t\u0661²"))
).map("".join)


@hypothesis.given(_STAGES)
def test_parse_and_format_are_inverse(stages: tuple[Stage, ...]) -> None:
    assert config_stages.parse_stages(config_stages.format_stages(stages)) == stages


@hypothesis.given(st.text() | _NEARLY)
def test_any_text_is_stages_or_a_config_error(text: str) -> None:
    try:
        stages = config_stages.parse_stages(text)
    except errors.ConfigError as error:
        assert "--stages" in str(error)
        return
    assert all(s.epochs >= 1 for s in stages)
    assert all(s.learning_rate is None or 0 < s.learning_rate < 1e400 for s in stages)
    assert config_stages.parse_stages(config_stages.format_stages(stages)) == stages


@hypothesis.given(
    _STAGES | st.lists(st.builds(Stage, st.text(), st.just(1))).map(tuple)
)
def test_any_stages_have_depths_or_a_config_error(stages: tuple[Stage, ...]) -> None:
    try:
        depths = config_stages.check_stages(stages, BLOCKS)
    except errors.ConfigError as error:
        assert "--stages" in str(error)
        return
    assert list(depths) == sorted(depths)
    assert all(0 <= depth <= len(BLOCKS.names) + 1 for depth in depths)


def test_the_documented_example_is_understood() -> None:
    assert config_stages.parse_stages("head:5@1e-2, conv5:5@3e-3,all:10") == (
        Stage("head", 5, 0.01),
        Stage("conv5", 5, 0.003),
        Stage("all", 10, None),
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("head", "'head'"),
        ("head:5,", "''"),
        ("head:x", "'head:x'"),
        ("head:5@", "'head:5@'"),
        ("head:0", "at least 1 epoch"),
        ("head:5@0", "above 0"),
        ("head:5@-1e-3", "above 0"),
        ("head:5@nan", "above 0"),
        ("head:5@inf", "above 0"),
        ("head:5@fast", "above 0"),
        ("head:5@1e-2@3", "'head:5@1e-2@3'"),
        ("head:9999999999", "'head:9999999999'"),
    ],
)
def test_a_message_names_the_part_that_is_wrong(text: str, part: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        config_stages.parse_stages(text)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("head", 0),
        ("top1", 1),
        ("conv4_block1", 1),
        ("conv3", 2),
        ("top2", 2),
        ("conv2_block2", 3),
        ("conv2", 4),
        ("top4", 4),
        ("all", 5),
    ],
)
def test_depth_counts_blocks_from_the_head(name: str, depth: int) -> None:
    assert config_stages.stage_depth(Stage(name, 1), BLOCKS) == depth


def test_cuts_further_down_train_more() -> None:
    depths = [config_stages.stage_depth(Stage(n, 1), BLOCKS) for n in BLOCKS.names]
    tops = [config_stages.stage_depth(Stage(f"top{k}", 1), BLOCKS) for k in range(1, 5)]
    assert depths == [4, 3, 2, 1]
    assert tops == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["conv9", "top0", "top5", "top", "", "HEAD"])
def test_an_unknown_cut_lists_the_legal_ones(name: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        config_stages.stage_depth(Stage(name, 1), BLOCKS)
    for legal in ("head", "conv2", "conv3_block1", "top1..top4", "all"):
        assert legal in str(caught.value)


def test_a_typo_in_a_cut_gets_the_near_name() -> None:
    with pytest.raises(errors.ConfigError, match="Did you mean conv3_block1"):
        config_stages.stage_depth(Stage("conv3_blok1", 1), BLOCKS)


def test_stages_never_freeze_again() -> None:
    stages = config_stages.parse_stages("head:1,all:1,conv3:1")
    with pytest.raises(errors.ConfigError, match="'conv3' comes after 'all'"):
        config_stages.check_stages(stages, BLOCKS)


def test_equal_depths_may_follow_each_other() -> None:
    stages = config_stages.parse_stages("head:1,head:2,conv3:1,top2:1,all:1")
    assert config_stages.check_stages(stages, BLOCKS) == (0, 0, 2, 2, 5)
