"""Options about a teacher: a network whose answers are learned besides the labels."""

import dataclasses

from kft.config.base import Config
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistillationConfig(Config):
    """Knowledge distillation (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531)."""

    teacher: str | None = option(
        None,
        "Run folder of a finished run of the same task and the same classes, of any "
        "backbone. What its network says of each training example, unaugmented, is "
        "computed once, and learned besides the labels.",
    )
    distillation_temperature: float = option(
        2.0,
        "What the logits of --teacher and of the network are divided by where they "
        "are compared, in [0.1, 100]: more makes the small probabilities count more.",
        minimum=0.1,
        maximum=100.0,
    )
    distillation_weight: float = option(
        0.5,
        "Share of --teacher in the training loss, in [0, 1]; the labels have the rest.",
        minimum=0.0,
        maximum=1.0,
    )

    @property
    def teaching(self) -> str:
        """Return who teaches, and how much it says, for people; empty for nobody."""
        if self.teacher is None:
            return ""
        return (
            f"{self.teacher} (weight {self.distillation_weight:g}, "
            f"temperature {self.distillation_temperature:g})"
        )
