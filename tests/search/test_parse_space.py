"""What --space says."""

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.config import TrainConfig
from kft.search import parameters, parse_space, search_settings
from kft.search.parameters import Choice, Range

CONFIG = TrainConfig(stages="head:8,top4:10@3e-3")


def parse(text, config=CONFIG):
    return parse_space.parse_space(text, config)


def test_names_kinds_and_values_are_understood():
    rate, decay, epochs = parse(
        "learning_rate=log:1e-4..1e-1,weight_decay=choice:0|1e-4,"
        "stages.head.epochs=int:2..8"
    )
    assert rate == Range("learning_rate", "log", 1e-4, 1e-1)
    assert decay == Choice("weight_decay", ("0.0", "0.0001"))
    assert epochs.values() == (2, 3, 4, 5, 6, 7, 8)


_BOUNDS = st.tuples(
    st.floats(1e-9, 0.5), st.floats(1e-9, 0.5), st.none() | st.integers(2, 50)
).filter(lambda b: b[0] < b[1])
_RANGES = st.builds(
    lambda name, kind, b: Range(name, kind, b[0], b[1], b[2]),
    st.sampled_from(
        ["learning_rate", "dropout", "label_smoothing", "stages.top4.learning_rate"]
    ),
    st.sampled_from(["log", "linear"]),
    _BOUNDS,
)
_WHOLE = st.builds(
    lambda name, low, more, count: Range(name, "int", low, low + more, count, True),
    st.sampled_from(["stages.head.epochs", "batch_size", "patience"]),
    st.integers(1, 99),
    st.integers(1, 99),
    st.none() | st.integers(2, 9),
)
_CHOICES = st.sampled_from(
    [
        Choice("optimizer", ("sgd", "lion")),
        Choice("clip_norm", ("none", "1.0")),
        Choice("nesterov", ("true", "false")),
        Choice("stages.top4.unfreeze", ("top1", "top4", "all")),
    ]
)
_SPACES = st.lists(
    _RANGES | _WHOLE | _CHOICES, min_size=1, max_size=5, unique_by=lambda d: d.name
)


@hypothesis.given(_SPACES)
def test_a_space_comes_back_from_its_text(dimensions):
    assert parse(parse_space.format_space(dimensions)) == tuple(dimensions)


@hypothesis.given(_RANGES | _WHOLE, st.floats(0, 1))
def test_written_values_stay_within_the_bounds_and_are_written_once(dimension, part):
    value = dimension.written(dimension.low + part * (dimension.high - dimension.low))
    assert dimension.low <= value <= dimension.high
    assert dimension.written(value) == value


@hypothesis.given(_RANGES | _WHOLE, st.floats(0, 1))
def test_values_are_read_as_they_were_written_number_or_text(dimension, part):
    value = dimension.written(dimension.low + part * (dimension.high - dimension.low))
    assert dimension.read(value) == value
    assert dimension.read(str(value)) == value


def test_settings_as_they_are_keep_all_their_digits():
    (rate,) = parse("learning_rate=log:1e-3..1e-1")
    assert rate.read(0.0123456789) == 0.0123456789


def test_a_range_with_a_number_has_that_many_values_at_the_same_distance():
    (rate,) = parse("learning_rate=log:1e-4..1e-1/4")
    assert rate.values() == (1e-4, 1e-3, 1e-2, 1e-1)
    (dropout,) = parse("dropout=linear:0..0.5/3")
    assert dropout.values() == (0.0, 0.25, 0.5)


@pytest.mark.parametrize(
    "text", ["momentum=linear:0.99..0.999/19", "learning_rate=log:1e-2..1.01e-2/50"]
)
def test_values_that_lie_close_together_stay_apart(text):
    (dimension,) = parse(text)
    assert len(set(dimension.values())) == dimension.count


def test_options_may_have_commas():
    augment, dropout = parse("augment=choice:flip|flip,crop,dropout=choice:0|0.5")
    assert augment.options == ("flip", "flip,crop")
    assert dropout.options == ("0.0", "0.5")


def test_a_rate_that_no_stage_reads_is_refused():
    config = TrainConfig(stages="head:8")
    text = "learning_rate=log:1e-3..1,stages.head.learning_rate=log:1e-3..1"
    with pytest.raises(errors.ConfigError, match="all of --stages=head:8 have one"):
        parse_space.parse_space(text, config)


def test_without_a_space_the_rate_of_each_stage_is_searched():
    assert parse_space.format_space(parse(None)) == (
        "stages.head.learning_rate=log:0.001..0.1,"
        "stages.top4.learning_rate=log:0.0003..0.03"
    )


def test_values_become_a_config():
    values = {
        "stages.head.epochs": 3,
        "stages.top4.unfreeze": "top2",
        "learning_rate": 0.1,
        "clip_norm": "none",
        "nesterov": "true",
    }
    changed = search_settings.apply(CONFIG, values)
    assert changed.stages == "head:3,top2:10@0.003"
    assert changed.learning_rate == 0.1
    assert changed.clip_norm is None
    assert changed.nesterov is True


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("learning_rate=log:1e-3..1e-1", {"learning_rate": 0.01}),
        ("stages.head.learning_rate=log:1e-3..1", {"stages.head.learning_rate": 0.01}),
        ("stages.top4.epochs=int:2..12", {"stages.top4.epochs": 10}),
        ("clip_norm=choice:1|none", {"clip_norm": "none"}),
        ("dropout=linear:0..0.5/3", {"dropout": "0.0"}),
        ("learning_rate=log:1e-1..1", None),
        ("learning_rate=log:1e-4..1e-3", None),
        ("stages.top4.epochs=int:2..8", None),
        ("optimizer=choice:adam|lion", None),
        ("clip_norm=linear:1..2", None),
        ("momentum=linear:0..0.8/3", None),
    ],
)
def test_the_settings_as_they_are_may_be_in_the_space(text, own):
    assert parameters.own_values(parse(text), CONFIG) == own


def test_a_share_of_the_epochs_leaves_each_stage_at_least_one():
    assert search_settings.scaled(CONFIG, 0.1).stages == "head:1,top4:1@0.003"
    assert search_settings.scaled(CONFIG, 0.5).stages == "head:4,top4:5@0.003"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lerning_rate=log:1e-4..1e-1", "no setting 'lerning_rate'. Did you mean lear"),
        ("stages.top.epochs=int:2..8", "Did you mean stages.top4.epochs"),
        ("stages=choice:a|b", "in its parts, such as stages.head.epochs"),
        ("run_dir=choice:a|b", "run_dir cannot be searched"),
        ("validation_fraction=linear:0.1..0.3", "decides which examples validate"),
        ("learning_rate", "expected NAME=KIND:VALUES"),
        ("optimizer=log:1..2", "optimizer: expected choice before the colon"),
        ("learning_rate=log:1e-1..1e-4", "a smaller number before .. than behind"),
        ("weight_decay=log:0..1e-4", "log needs numbers above 0"),
        ("learning_rate=log:a..1", "expected two numbers with .. between them"),
        ("stages.head.epochs=int:1.5..2", "expected two whole numbers"),
        ("momentum=linear:0..2", "--momentum: expected at most 0.999"),
        ("optimizer=choice:sgd|adan", "Did you mean adam or adamw?"),
        ("learning_rate=choice:0.1", "at least two values, all different"),
        ("learning_rate=choice:0.1|1e-1", "at least two values, all different"),
        ("learning_rate=log:1e-3..1/1", "at least 2 values behind the /"),
        ("dropout=linear:0..0.5,dropout=choice:0|0.1", "dropout is there twice"),
        ("stages.top4.unfreeze=choice:top1|top:2", "received 'top:2:10@0.003'"),
    ],
)
def test_a_mistake_is_explained(text, message):
    with pytest.raises(errors.ConfigError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(errors.ConfigError, match="(?s)'x'.*momentum.*'y'"):
        parse("x=int:1..2,momentum=linear:0..2,y=int:1..2")


def test_a_rate_that_no_stage_reads_is_not_searched():
    own = TrainConfig(stages="head:8@1e-2,all:2@1e-3")
    with pytest.raises(errors.ConfigError) as caught:
        parse("learning_rate=log:1e-4..1e-1", own)
    assert "stages.head.learning_rate, stages.all.learning_rate" in str(caught.value)


def test_how_much_a_teacher_says_is_searched_where_there_is_one():
    text = "distillation_weight=linear:0.1..0.9,distillation_temperature=choice:1|4"
    found = parse(text, TrainConfig(teacher="runs/large"))
    assert [one.name for one in found] == text.replace("=", ",").split(",")[::2]
    with pytest.raises(errors.ConfigError, match=r"is about a teacher: name one \(--t"):
        parse(text)


def test_a_name_that_means_two_stages_is_refused():
    twice = TrainConfig(stages="top2:3,top2:4")
    with pytest.raises(errors.ConfigError, match="each of the 2 stages 'top2'"):
        parse("stages.top2.epochs=int:1..4", twice)
