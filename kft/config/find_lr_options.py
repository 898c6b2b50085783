"""A learning rate range test."""

import dataclasses

from kft.config.fields import option
from kft.config.run import TrainConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindLrConfig(TrainConfig):
    """What is tested, and where the result is written."""

    stage: str | None = option(
        None,
        "Stage to test, as --stages calls it, such as head or top4; default: each in "
        "turn.",
    )
    lowest_rate: float = option(
        1e-5, "Learning rate of the first step.", minimum=1e-12, maximum=1e3
    )
    highest_rate: float = option(
        10.0, "Learning rate of the last step.", minimum=1e-12, maximum=1e3
    )
    steps: int = option(
        100,
        "Steps of a test; it ends earlier where the loss runs away.",
        minimum=20,
        maximum=10_000,
    )
    epochs_before: int = option(
        3,
        "Most epochs that each stage before the tested one trains first, at the rate "
        "that --stages says, so that the test starts where the stage will; 0 for none.",
        minimum=0,
    )
    output_dir: str | None = option(
        None, "Folder of find_lr.png and find_lr.json; default RUN_DIR-find_lr."
    )
