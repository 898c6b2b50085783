"""Options of the command that looks at data before anybody trains on it."""

import dataclasses

from kft.config.data import DataConfig
from kft.config.fields import option
from kft.config.image import ImageOptions
from kft.config.run import RunConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditOptions(DataConfig):
    """What is compared, and where the findings go."""

    out: str | None = option(
        None,
        "Folder for audit.json and audit.html; default audit/DATASET below the working "
        "directory.",
    )
    # Measured on 4,064 photographs of flowers. Of the pairs that differ in at most 6
    # bits all 26 are copies; in 8 bits 3 of 8 are not; in 10 most of 20 are not. Copies
    # encoded at quality 20, halved, squashed, made gray, brightened or given contrast
    # by a tenth: 99% and more differ in at most 6 bits; brightened by 30%: 95%; cropped
    # by 2% on every side: 92%, by 5%: 14%.
    near_bits: int | None = option(
        6,
        "Most bits, of the 64 of their perceptual hashes, in which two near duplicates "
        "differ, in [0, 12]. 6 finds copies that were encoded again, resized or "
        "brightened; from 8 on, different images are among them. none: do not look.",
        minimum=0,
        maximum=12,
    )
    # Measured on 9,091 sentences of reviews: both pairs above 0.8 say the same. Of the
    # 11 from 0.5 to 0.7, three do; the others share a phrase ("of the year").
    near_share: float | None = option(
        0.8,
        "Least share, in [0.5, 1], that near copies of texts have in common, of the "
        "runs of four characters that either has. none: do not look.",
        minimum=0.5,
        maximum=1.0,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditConfig(ImageOptions, AuditOptions):
    """An audit of images."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditRunConfig(AuditOptions, RunConfig):
    """An audit with the flags of a run, as its flagfile has them.

    So the flagfile of a run can be audited as it is; what is no part of `AuditOptions`
    or of what the task reads has no meaning here.
    """
