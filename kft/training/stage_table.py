"""The plan of a run as a table: what each stage trains, on what, how long."""

from collections.abc import Sequence
from typing import Any

from kft.model import freeze
from kft.run_folder.history import StageResult
from kft.training.feature_cache import placement
from kft.training.feature_cache.feature_cache import StageCache
from kft.training.feature_cache.placement import Placement
from kft.training.run_context import RunContext

_MUCH_WAITING = 0.2
# Seconds of waiting in a stage below which nobody would change a flag.
_WORTH_A_WORD = 10.0


def rows(context: RunContext) -> list[dict[str, Any]]:
    """Return a row of the table for each stage."""
    total = context.network.model.count_params()
    table = []
    for index, (stage, depth) in enumerate(
        zip(context.stages, context.depths, strict=True)
    ):
        trainable = freeze.count_trainable(
            context.network, depth, batch_norm=context.config.batch_norm
        )
        table.append(
            {
                "stage": stage.unfreeze,
                "frozen up to": context.network.anchor(depth) or "-",
                "trains": f"{trainable:,} of {total:,}",
                "epochs": stage.epochs,
                "steps": stage.epochs * context.steps_per_epoch,
                "peak rate": context.peak_rate(index),
            }
        )
    return table


def trunk_lines(context: RunContext, choices: Sequence[Placement]) -> list[str]:
    """Return for each stage with a trunk a line on where its outputs come from.

    Args:
        context: the run.
        choices: where the features of the trunks go.
    """
    places = {choice.need.anchor: choice for choice in choices}
    lines = []
    for stage, depth in zip(context.stages, context.depths, strict=True):
        anchor = context.network.anchor(depth)
        choice = None if anchor is None else places.get(anchor)
        if choice is not None and choice.where:
            lines.append(f"stage {stage.unfreeze}: trunk cached ({choice.reason})")
        elif choice is not None:
            lines.append(f"stage {stage.unfreeze}: trunk live ({choice.reason})")
    return lines


def savings(
    context: RunContext, choices: Sequence[Placement], seconds_per_example: float
) -> str | None:
    """Return a line that says what the cache saves, None where nothing was timed."""
    if not seconds_per_example:
        return None
    validation = context.splits.validation
    examples = len(context.splits.train) + (len(validation) if validation else 0)
    views = context.config.cached_views or 1
    saved = placement.saved_seconds(
        choices,
        examples=examples,
        views=views,
        seconds_per_example=seconds_per_example,
    )
    once = examples * views * seconds_per_example
    return (
        f"The frozen trunk ran once, about {_duration(once)}, instead of in every "
        f"epoch; that saves about {_duration(saved)}."
    )


def input_hint(
    context: RunContext, stage: StageResult, cache: StageCache | None
) -> str | None:
    """Return what to change about a stage that waited much for input, else None.

    Args:
        context: the run.
        stage: how it ended.
        cache: the features of the stage's trunk; None where the trunk ran live.
    """
    fraction = stage.input_wait_fraction
    if fraction is None or fraction <= _MUCH_WAITING:
        return None
    if fraction * stage.seconds < _WORTH_A_WORD:
        return None
    helps = _advice_on_cached(cache) if cache else _advice_on_live(context, stage)
    return (
        f"stage {stage.name}: {fraction:.0%} of the time went into waiting for "
        f"input. What helps: {', or '.join([*helps, 'more CPU cores'])}."
    )


def _advice_on_cached(cache: StageCache) -> list[str]:
    if not cache.train.is_on_disk:
        return []
    return ["--feature_cache=memory", "a --cache_dir on a faster disk"]


def _advice_on_live(context: RunContext, stage: StageResult) -> list[str]:
    config, task = context.config, context.task
    names = [one.unfreeze for one in context.stages]
    depth = context.depths[names.index(stage.name)]
    smaller = ["smaller inputs"]
    if context.network.anchor(depth) is None:
        # Nothing is frozen, so there is nothing to keep.
        return smaller
    if task.inputs.mix() is not None:
        return ["--cached_views=V of examples that are not mixed", *smaller]
    missing = ["--feature_cache=auto"] if config.feature_cache == "off" else []
    if task.inputs.is_augmented and config.cached_views is None:
        missing.append("--cached_views=V")
    return [" with ".join(missing), *smaller] if missing else smaller


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
