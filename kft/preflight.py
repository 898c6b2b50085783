"""Refuse what can not work before anything is loaded, all of it in one message."""

from collections.abc import Callable, Iterable

from kft import backbones, data, errors, schedule
from kft.config import TrainConfig


def check(config: TrainConfig) -> None:
    """Check everything that can be known without TensorFlow.

    Raises:
        errors.ConfigError: listing every problem, not only the first.
        errors.DataError: where the data set is the only problem.
    """
    problems = [*_pairs(config)]
    data_problem = None
    for one in _CHECKS:
        try:
            one(config)
        except errors.ConfigError as error:
            problems.append(str(error))
        except errors.DataError as error:
            data_problem = error
    if data_problem and not problems:
        raise data_problem
    if data_problem:
        problems.append(str(data_problem))
    if problems:
        raise errors.ConfigError("\n".join(problems))


def _check_stages(config: TrainConfig) -> None:
    stages = schedule.parse_stages(config.stages)
    if config.backbone in backbones.BACKBONES:
        schedule.check_stages(stages, backbones.get(config.backbone).blocks)


def _check_backbone(config: TrainConfig) -> None:
    backbones.check(config, config.image_size)


_CHECKS: tuple[Callable[[TrainConfig], None], ...] = (
    _check_stages,
    _check_backbone,
    data.check_dataset,
)


def _pairs(config: TrainConfig) -> Iterable[str]:
    """Yield what is wrong with two options together."""
    if config.batch_size % config.accumulation_steps:
        yield (
            f"--accumulation_steps={config.accumulation_steps} has to divide "
            f"--batch_size={config.batch_size}: use "
            f"{_near_multiple(config.batch_size, config.accumulation_steps)}."
        )
    if config.nesterov and config.optimizer != "sgd":
        yield f"--nesterov belongs to --optimizer=sgd, received {config.optimizer}."
    if config.nesterov and config.optimizer == "sgd" and not config.momentum:
        yield "--nesterov needs --momentum above 0."


def _near_multiple(batch_size: int, parts: int) -> str:
    low = batch_size // parts * parts
    return f"--batch_size={low or parts} or {low + parts}"
