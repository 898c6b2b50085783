"""The recipe that is chosen from the data, as numbers."""

import dataclasses
from collections.abc import Collection

import hypothesis
import pytest
from hypothesis import strategies as st

from kft import errors
from kft.backbones.image import image_table
from kft.cli import flags
from kft.config import TextClassificationConfig, TrainConfig, stages
from kft.tasks.image_classification import image_recipe
from kft.tasks.task_kind import RecipeChoice
from kft.training.auto import recipe
from kft.training.auto.recipe import Facts

AUTO = TrainConfig(recipe="auto", backbone="MobileNetV2")
FIELDS = recipe.fields(AUTO)


@dataclasses.dataclass(frozen=True)
class Images:
    """What is known of images before the recipe."""

    examples: int
    classes: int
    image_side: int | None


FLOWERS = Images(examples=500, classes=5, image_side=240)

ALL_FACTS = st.builds(
    Images,
    examples=st.integers(1, 2_000_000),
    classes=st.integers(2, 20_000),
    image_side=st.none() | st.integers(1, 5_000),
)


def _facts(images: Images, config: TrainConfig, given: Collection[str]) -> Facts:
    choice = image_recipe.choose(
        config, images.image_side, given, backbone=image_table.of(config)
    )
    return Facts(images.examples, images.classes, choice)


def _apply(images: Images = FLOWERS, **given) -> TrainConfig:
    config = dataclasses.replace(AUTO, **given)
    return recipe.apply(config, _facts(images, config, given), given=given)


@hypothesis.given(ALL_FACTS, st.sampled_from(sorted(image_table.BACKBONES)))
def test_the_stages_suit_every_backbone(facts: Images, backbone: str) -> None:
    chosen = _apply(facts, backbone=backbone)
    found = stages.parse_stages(chosen.stages)
    blocks = image_table.get(backbone).blocks
    depths = stages.check_stages(found, blocks)
    assert depths[0] == 0 < depths[1] <= len(blocks.names) + 1
    image_table.check(dataclasses.replace(chosen, weights="none"), chosen.image_size)


@hypothesis.given(ALL_FACTS)
def test_the_blocks_train_at_a_lower_rate_than_the_head(facts: Images) -> None:
    head, body = stages.parse_stages(_apply(facts).stages)
    assert body.learning_rate < head.learning_rate


@hypothesis.given(ALL_FACTS, ALL_FACTS)
def test_more_examples_never_mean_more_epochs(one: Images, other: Images) -> None:
    few, many = sorted((one, other), key=lambda facts: facts.examples)
    many = dataclasses.replace(many, classes=few.classes)
    for less, more in zip(
        stages.parse_stages(_apply(few, batch_size=32).stages),
        stages.parse_stages(_apply(many, batch_size=32).stages),
        strict=True,
    ):
        assert more.epochs <= less.epochs


@hypothesis.given(ALL_FACTS, st.sets(st.sampled_from(FIELDS)))
def test_what_is_given_stands(facts: Images, names: set[str]) -> None:
    own = {
        "stages": "head:1@0.5",
        "batch_size": 7,
        "image_size": 99,
        "augment": "none",
        "cached_views": None,
        "lr_decay_per_block": 0.5,
        "warmup_fraction": 0.0,
    }
    given = {name: own[name] for name in names}
    chosen = _apply(facts, **given)
    assert {name: getattr(chosen, name) for name in names} == given


@hypothesis.given(ALL_FACTS)
def test_nothing_but_the_fields_of_the_recipe_changes(facts: Images) -> None:
    chosen = dataclasses.asdict(_apply(facts, optimizer="adam", learning_rate=2e-3))
    before = dataclasses.asdict(AUTO)
    changed = {name for name, value in chosen.items() if value != before[name]}
    own = {"recipe", "optimizer", "learning_rate"}
    assert changed <= {*FIELDS, *own}


@hypothesis.given(ALL_FACTS, st.sets(st.sampled_from(FIELDS)))
def test_the_flags_that_are_shown_say_the_same(facts: Images, names: set[str]) -> None:
    given = {name: getattr(AUTO, name) for name in names}
    chosen = _apply(facts, **given)
    shown = recipe.as_flags(chosen, given=given)
    repeated = flags.parse(TrainConfig, ["--backbone=MobileNetV2", *shown]).config
    assert dataclasses.replace(repeated, recipe="applied") == chosen


def test_a_few_hundred_images_train_the_head_and_then_the_upper_half() -> None:
    chosen = _apply(Images(examples=500, classes=5, image_side=240))
    assert chosen.stages == "head:15@0.01,top9:15@0.003"
    assert (chosen.batch_size, chosen.augment, chosen.cached_views) == (16, "flip", 4)
    assert (chosen.image_size, chosen.warmup_fraction) == (None, 0.3)


def test_many_examples_train_everything_the_lowest_layers_least() -> None:
    chosen = _apply(Images(examples=50_000, classes=10, image_side=240))
    assert chosen.stages == "head:2@0.01,all:2@0.003"
    lowest = chosen.lr_decay_per_block ** (17 + 1)
    assert lowest == pytest.approx(0.01, rel=0.1)


def test_many_classes_train_the_head_for_longer() -> None:
    few = _apply(Images(examples=20_000, classes=10, image_side=240))
    many = _apply(Images(examples=20_000, classes=1_000, image_side=240))
    epochs = [stages.parse_stages(c.stages)[0].epochs for c in (few, many)]
    assert epochs == [2, 10]


def test_texts_have_rates_of_their_own_and_gradients_that_are_clipped() -> None:
    config = TextClassificationConfig(recipe="auto", clip_norm=None)
    choice = RecipeChoice("texts", {"clip_norm": 1.0}, rates=(1e-2, 5e-2))
    found = recipe.apply(config, Facts(4_000, 2, choice), given=())
    assert found.stages == "head:5@0.01,top3:5@0.05"
    assert found.clip_norm == 1.0
    assert "--clip_norm=1.0" in recipe.as_flags(found, given=())
    half = recipe.apply(
        dataclasses.replace(config, learning_rate=5e-3),
        Facts(4_000, 2, choice),
        given=("learning_rate",),
    )
    assert half.stages == "head:5,top3:5@0.025"


def test_small_images_are_enlarged_and_never_mirrored() -> None:
    digits = _apply(Images(examples=4_000, classes=10, image_side=28))
    assert (digits.image_size, digits.augment, digits.cached_views) == (
        128,
        "none",
        None,
    )
    assert _apply(dataclasses.replace(FLOWERS, image_side=96)).image_size is None


def test_the_rates_grow_with_a_given_batch_up_to_eightfold() -> None:
    rates = {
        batch: stages.parse_stages(_apply(batch_size=batch).stages)[0].learning_rate
        for batch in (8, 32, 64, 256, 1024)
    }
    assert rates == {8: 0.01, 32: 0.01, 64: 0.02, 256: 0.08, 1024: 0.08}


@pytest.mark.parametrize(
    ("replicas", "parts", "size"), [(1, 1, 16), (3, 1, 18), (4, 2, 16), (8, 4, 32)]
)
def test_the_batch_can_be_shared_out(replicas: int, parts: int, size: int) -> None:
    config = dataclasses.replace(AUTO, accumulation_steps=parts)
    chosen = recipe.apply(
        config, _facts(FLOWERS, config, ()), given=(), replicas=replicas
    )
    assert chosen.batch_size == size


def test_a_given_rate_is_that_of_the_head() -> None:
    chosen = _apply(learning_rate=0.02)
    assert chosen.stages == "head:15,top9:15@0.006"
    assert chosen.learning_rate == 0.02


def test_without_a_feature_cache_no_views_are_kept() -> None:
    assert _apply(feature_cache="off").cached_views is None


def test_rules_whose_rates_are_unknown_are_refused_unless_rates_are_given() -> None:
    with pytest.raises(errors.ConfigError, match="rates for sgd, received --optimizer"):
        _apply(optimizer="adam")
    assert _apply(optimizer="adam", stages="head:3@1e-3").stages == "head:3@1e-3"


def test_an_unknown_batch_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="--batch_size=auto nobody knows"):
        _apply(batch_size="auto")


def test_in_python_what_differs_from_the_default_counts_as_given() -> None:
    config = TrainConfig(recipe="auto", image_size=96, dataset="folder:x")
    assert recipe.differing(config) == {"recipe", "image_size", "dataset"}


def test_a_batch_of_mixed_images_has_pairs_for_every_device() -> None:
    given = {"augment": "mixup", "accumulation_steps": 3}
    config = dataclasses.replace(AUTO, **given)
    chosen = recipe.apply(
        config, _facts(FLOWERS, config, given), given=given, replicas=3
    )
    assert chosen.batch_size % (2 * 3) == chosen.batch_size % (3 * 3) == 0
