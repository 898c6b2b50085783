"""Which runs a page is about."""

import dataclasses

from kft.config.base import Config
from kft.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportConfig(Config):
    """One run, or several to compare."""

    run_dir: str | None = option(
        None, "Folder of a finished run, whose report.html is written again."
    )
    compare: bool = option(
        False, "Compare the runs whose folders are given, at least two, without a name."
    )
    output: str = option("compare.html", "Where --compare writes its page.")
    runs: tuple[str, ...] = option((), "Run folders to compare.")
