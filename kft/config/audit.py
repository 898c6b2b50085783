"""The command that looks at data before anybody trains on it."""

import dataclasses

from kft.config.data import DataConfig
from kft.config.train import TrainConfig
from kft.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditConfig(DataConfig):
    """What is compared, and where the findings go."""

    out: str | None = option(
        None,
        "Folder for audit.json and audit.html; default audit/DATASET below the working "
        "directory.",
    )
    near_bits: int | None = option(
        6,
        "Most bits, of the 64 of their perceptual hashes, in which two near duplicates "
        "differ, in [0, 12]. 6 finds copies that were encoded again, resized or "
        "brightened; from 8 on, different pictures are among them. none: do not look.",
        minimum=0,
        maximum=12,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditFlags(TrainConfig, AuditConfig):
    """An audit with the flags of a run, as its flagfile has them.

    So the flagfile of a run can be audited as it is; what is no part of `AuditConfig`
    has no meaning here.
    """
