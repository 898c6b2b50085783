"""The recipe of networks of texts."""

from collections.abc import Sequence

from kft.tasks.task_kind import RecipeChoice


def choose(sample: Sequence[bytes], *, rates: tuple[float, float]) -> RecipeChoice:
    """Return rates that were measured, which need gradients that are clipped.

    Args:
        sample: texts, in UTF-8.
        rates: see `RecipeChoice`.
    """
    lengths = sorted(map(len, sample))
    middle = lengths[len(lengths) // 2] if lengths else 0
    return RecipeChoice(
        f"texts of about {middle} bytes", {"clip_norm": 1.0}, rates=rates
    )
