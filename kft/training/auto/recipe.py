"""`--recipe=auto`: how to fine-tune, from what is known of the data and the network.

Pure functions of numbers. Where the sources say something else than each other, or
nothing that holds on a CPU, the constants were chosen on subsets of flowers;
`configs/README.md` has the measurement, `tools/bench_recipe_auto.py` repeats it.

- BiT-HyperRule (Kolesnikov et al., Big Transfer, arXiv 1912.11370, section 3.3;
  bit_hyperrule.py): SGD with momentum 0.9 and a base rate of 3e-3; the length of the
  schedule is a number of steps that grows with the number of examples and not a number
  of epochs.
- fastai's `fine_tune` (fastai/callback/schedule.py): the head first, on a frozen
  network, then what is below it at a lower rate, the lowest layers at a hundredth; the
  rate rises during 30% of the steps.
- Kornblith et al., Do Better ImageNet Models Transfer Better? (arXiv 1805.08974):
  cosine decay, the same steps for all data sets.
- Yosinski et al., How transferable are features? (arXiv 1411.1792): low layers are
  general, high ones specific. So few examples train the upper blocks only.
- Goyal et al. (arXiv 1706.02677): the rate grows in proportion to the batch.

What becomes of an example, and the rates themselves, are for its task to decide
(`RecipeChoice`).
"""

import dataclasses
import math
from collections.abc import Collection
from typing import Any

from kft import errors, tasks
from kft.config import RunConfig, flagfile
from kft.config import stages as config_stages
from kft.distribution import batch_sharing
from kft.tasks.task_kind import RecipeChoice

_RATED_BATCH, _MOST_SCALING = 32, 8.0
_STEPS = 600
_SEEN_PER_CLASS = 200
_FEWEST_EPOCHS, _MOST_EPOCHS = 2, 15
_SMALL, _LARGE = 1_000, 10_000  # training examples
_LOWEST_RATE = 0.01
# With a shorter one, or a head that has trained to the last, the first steps of the
# second stage can undo a network for good.
_WARMUP = 0.3


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the recipe knows of the data.

    Attributes:
        examples: that are trained on.
        classes: to tell apart.
        choice: what their task decides.
    """

    examples: int
    classes: int
    choice: RecipeChoice


def fields(config: RunConfig) -> tuple[str, ...]:
    """Return what the recipe decides for a task, where the user has not."""
    own = tasks.kind(config.task).recipe_fields
    return ("stages", "batch_size", *own, "lr_decay_per_block", "warmup_fraction")


def differing(config: RunConfig) -> frozenset[str]:
    """Return the fields that have not their default: what counts as given in Python."""
    return frozenset(
        field.name
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != field.default
    )


def check(config: RunConfig, given: Collection[str] | None) -> None:
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
    config: RunConfig, facts: Facts, *, given: Collection[str], replicas: int = 1
) -> RunConfig:
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
    blocks = len(_blocks(config).names)
    rows = math.lcm(config.accumulation_steps, 2 if batch_sharing.mixes(config) else 1)
    chosen: dict[str, Any] = {
        "batch_size": batch_size(facts.examples, multiple=replicas * rows),
        "warmup_fraction": _WARMUP,
        **facts.choice.values,
    }
    config = _with(config, chosen, given)
    depth = body_depth(facts.examples, blocks)
    chosen = {
        "stages": config_stages.format_stages(
            stages(
                facts,
                depth=depth,
                blocks=blocks,
                batch_size=config.settled_batch_size,
                learning_rate=(
                    config.learning_rate if "learning_rate" in given else None
                ),
            )
        ),
    }
    if "stages" not in given and depth > blocks:
        chosen["lr_decay_per_block"] = _rounded(_LOWEST_RATE ** (1 / depth))
    config = _with(config, chosen, given)
    return dataclasses.replace(config, recipe="applied")


def _blocks(config: RunConfig) -> config_stages.Blocks:
    kind = tasks.kind(config.task)
    blocks = kind.blocks(config)
    if blocks is None:
        # It says what is wrong with the backbone.
        kind.check(config)
        raise errors.ConfigError(
            f"--recipe=auto chooses stages by the blocks of a backbone, and those of "
            f"--backbone={config.backbone} are not known: give --stages and leave "
            "--recipe out."
        )
    return blocks


def _with(
    config: RunConfig, chosen: dict[str, Any], given: Collection[str]
) -> RunConfig:
    free = {name: value for name, value in chosen.items() if name not in given}
    return dataclasses.replace(config, **free)


def as_flags(config: RunConfig, *, given: Collection[str]) -> list[str]:
    """Return the flags that say what the recipe chose."""
    return [
        f"--{name}={flagfile.format_value(getattr(config, name))}"
        for name in fields(config)
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
    of_head, of_body = facts.choice.rates
    head_rate: float | None = _rounded(of_head * scaling)
    body_rate = of_body * scaling
    if learning_rate is not None:
        head_rate = None
        body_rate = learning_rate * of_body / of_head
    name = config_stages.ALL if depth > blocks else f"top{depth}"
    return (
        config_stages.Stage(config_stages.HEAD, epochs, head_rate),
        config_stages.Stage(name, epochs, _rounded(body_rate)),
    )


def _rounded(value: float) -> float:
    """Return the number with two significant digits, as a person would write it."""
    return float(f"{value:.2g}")
