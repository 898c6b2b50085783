"""`--recipe=auto`: how to fine-tune, from what is known of the data and the network.

Pure functions of numbers. Where the sources say something else than each other, or
nothing that holds on a CPU, the constants were chosen on subsets of flowers;
`configs/README.md` has the measurement, `tools/bench_recipe_auto.py` repeats it.

- BiT-HyperRule (Kolesnikov et al., Big Transfer, arXiv 1912.11370, section 3.3;
  bit_hyperrule.py): SGD with momentum 0.9 and a base rate of 3e-3; the length of the
  schedule is a number of steps that grows with the number of examples and not a number
  of epochs; images below 96 x 96 pixels are enlarged to 128.
- fastai's `fine_tune` (fastai/callback/schedule.py): the head first, on a frozen
  network, then what is below it at a lower rate, the lowest layers at a hundredth; the
  rate rises during 30% of the steps.
- Kornblith et al., Do Better ImageNet Models Transfer Better? (arXiv 1805.08974):
  cosine decay, the same steps for all data sets, random crops and mirroring.
- Yosinski et al., How transferable are features? (arXiv 1411.1792): low layers are
  general, high ones specific. So few examples train the upper blocks only.
- Goyal et al. (arXiv 1706.02677): the rate grows in proportion to the batch.
"""

import dataclasses
import math
from collections.abc import Collection
from typing import Any

from kft import backbones, errors
from kft.backbones.backbone import Backbone
from kft.config import TrainConfig, flagfile
from kft.config import stages as config_stages
from kft.distribution import batch_sharing

# What the recipe decides, where the user has not.
FIELDS = (
    "stages",
    "batch_size",
    "image_size",
    "augment",
    "cached_views",
    "lr_decay_per_block",
    "warmup_fraction",
)
_HEAD_RATE, _BODY_RATE = 1e-2, 3e-3
_RATED_BATCH, _MOST_SCALING = 32, 8.0
_STEPS = 600
_SEEN_PER_CLASS = 200
_FEWEST_EPOCHS, _MOST_EPOCHS = 2, 15
_SMALL, _LARGE = 1_000, 10_000  # training examples
_LOWEST_RATE = 0.01
# With a shorter one, or a head that has trained to the last, the first steps of the
# second stage can undo a network for good.
_WARMUP = 0.3
_SMALL_SIDE, _ENLARGED_SIDE = 96, 128  # pixels


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the recipe knows of the data.

    Attributes:
        examples: that are trained on.
        classes: to tell apart.
        image_side: median over some examples of the shorter side, in pixels; None
            where no image could be looked at.
    """

    examples: int
    classes: int
    image_side: int | None


def differing(config: TrainConfig) -> frozenset[str]:
    """Return the fields that have not their default: what counts as given in Python."""
    return frozenset(
        field.name
        for field in dataclasses.fields(TrainConfig)
        if getattr(config, field.name) != field.default
    )


def check(config: TrainConfig, given: Collection[str] | None) -> None:
    """Check that what is given leaves `--recipe=auto` something to go by.

    Args:
        config: of the run; of any recipe.
        given: fields whose value stands; None for those that have not their default.

    Raises:
        errors.ConfigError: naming the flags that do not.
    """
    if config.recipe != "auto":
        return
    given = differing(config) if given is None else given
    if config.batch_size == "auto":
        raise errors.ConfigError(
            "--recipe=auto counts steps, and with --batch_size=auto nobody knows yet "
            "how many there are: give a number, or leave the batch to the recipe."
        )
    is_rated = config.optimizer == "sgd" or {"stages", "learning_rate"} & {*given}
    if not is_rated:
        raise errors.ConfigError(
            f"--recipe=auto knows learning rates for sgd, received --optimizer="
            f"{config.optimizer}: give the head's rate with --learning_rate, or all of "
            "them with --stages. `python -m kft.find_lr` finds one."
        )


def apply(
    config: TrainConfig, facts: Facts, *, given: Collection[str], replicas: int = 1
) -> TrainConfig:
    """Return the config with the recipe's choice in every field that is not given.

    Its `recipe` is `applied`: the fields say all, and nothing is chosen again.

    Args:
        config: of the run.
        facts: of its data.
        given: fields whose value stands, whatever the recipe would choose.
        replicas: devices that share a batch.

    Raises:
        errors.ConfigError: see `check`; also for an unknown backbone.
    """
    check(config, given)
    backbone = backbones.get(config.backbone)
    rows = math.lcm(config.accumulation_steps, 2 if batch_sharing.mixes(config) else 1)
    chosen: dict[str, Any] = {
        "batch_size": batch_size(facts.examples, multiple=replicas * rows),
        "image_size": image_size(facts.image_side, backbone),
        "augment": augment(facts.image_side),
        "warmup_fraction": _WARMUP,
    }
    config = _with(config, chosen, given)
    depth = body_depth(facts.examples, len(backbone.blocks.names))
    chosen = {
        "stages": config_stages.format_stages(
            stages(
                facts,
                depth=depth,
                blocks=len(backbone.blocks.names),
                batch_size=config.batch_size,
                learning_rate=(
                    config.learning_rate if "learning_rate" in given else None
                ),
            )
        ),
        "cached_views": _cached_views(config),
    }
    if "stages" not in given and depth > len(backbone.blocks.names):
        chosen["lr_decay_per_block"] = _rounded(_LOWEST_RATE ** (1 / depth))
    config = _with(config, chosen, given)
    return dataclasses.replace(config, recipe="applied")


def _with(
    config: TrainConfig, chosen: dict[str, Any], given: Collection[str]
) -> TrainConfig:
    free = {name: value for name, value in chosen.items() if name not in given}
    return dataclasses.replace(config, **free)


def as_flags(config: TrainConfig, *, given: Collection[str]) -> list[str]:
    """Return the flags that say what the recipe chose."""
    return [
        f"--{name}={flagfile.format_value(getattr(config, name))}"
        for name in FIELDS
        if name not in given
    ]


def batch_size(examples: int, *, multiple: int) -> int:
    """Return the examples of a batch: fewer where an epoch would have few steps.

    Args:
        examples: in an epoch.
        multiple: parts that a batch is shared out in.
    """
    size = 16 if examples < _SMALL else 32
    return math.ceil(size / multiple) * multiple


def image_size(image_side: int | None, backbone: Backbone) -> int | None:
    """Return the side that the network sees, in pixels; None for the backbone's own.

    Small images are enlarged, but not to the full size, which would cost time and
    add nothing (BiT-HyperRule, `get_resolution`).
    """
    if image_side is None or image_side >= _SMALL_SIDE:
        return None
    size = max(min(_ENLARGED_SIDE, backbone.image_size), backbone.min_image_size)
    return None if size == backbone.image_size else size


def augment(image_side: int | None) -> str:
    """Return the augmentation: photographs are mirrored.

    Small images are often signs (digits, icons), which mean something else in a
    mirror; they stay as they are.
    """
    is_small = image_side is not None and image_side < _SMALL_SIDE
    return "none" if is_small else "flip"


def _cached_views(config: TrainConfig) -> int | None:
    """Return the views to keep: an example and its mirror image are in nearly all."""
    if config.augment != "flip" or config.feature_cache == "off":
        return None
    return 4


def body_depth(examples: int, blocks: int) -> int:
    """Return how many blocks train after the head; one more than there are is all."""
    return blocks + 1 if examples >= _LARGE else math.ceil(blocks / 2)


def stages(
    facts: Facts,
    *,
    depth: int,
    blocks: int,
    batch_size: int,
    learning_rate: float | None,
) -> tuple[config_stages.Stage, ...]:
    """Return the head's stage and that of the blocks below it.

    Args:
        facts: of the data.
        depth: how many blocks train in the second stage.
        blocks: that the backbone has.
        batch_size: examples per step.
        learning_rate: of the head, if the user gives it.
    """
    steps = max(_STEPS, _SEEN_PER_CLASS * facts.classes / batch_size)
    needed = round(steps * batch_size / facts.examples)
    epochs = min(max(needed, _FEWEST_EPOCHS), _MOST_EPOCHS)
    scaling = min(max(batch_size / _RATED_BATCH, 1.0), _MOST_SCALING)
    head_rate = _rounded(_HEAD_RATE * scaling)
    body_rate = _BODY_RATE * scaling
    if learning_rate is not None:
        head_rate = None
        body_rate = learning_rate * _BODY_RATE / _HEAD_RATE
    name = config_stages.ALL if depth > blocks else f"top{depth}"
    return (
        config_stages.Stage(config_stages.HEAD, epochs, head_rate),
        config_stages.Stage(name, epochs, _rounded(body_rate)),
    )


def _rounded(value: float) -> float:
    """Return the number with two significant digits, as a person would write it."""
    return float(f"{value:.2g}")
