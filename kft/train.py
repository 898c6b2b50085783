"""Fine-tune a pretrained network.

One run goes from the data over the stages to the best weights, the export and
result.json, all in one run folder. The same command continues a run that was stopped.

  python -m kft.train --flagfile=configs/quickstart.cfg
  python -m kft.train --dataset=folder:photos --backbone=MobileNetV2
"""

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from kft import cli, cluster, exporters, preflight
from kft.config import ExportConfig, TrainConfig
from kft.training import interrupt

if TYPE_CHECKING:
    from kft.training.fine_tune import RunResult


def main(config: TrainConfig, given: frozenset[str] | None = None) -> None:
    """Train, export, and say what to do with the result.

    Args:
        config: the run.
        given: fields that `--recipe=auto` leaves as they are; see `fine_tune`.
    """
    preflight.check(config, also=[_check_export])
    with interrupt.listening():
        # TensorFlow starts slowly: not before the flags are known to be right.
        from kft.training import fine_tune

        result = fine_tune.fine_tune(
            config,
            given=given,
            seconds_to_import=time.time() - psutil.Process().create_time(),
        )
    found = cluster.find(config, os.environ)
    if found is not None and not found.is_chief:
        # The run folder is the chief's.
        return
    _export(config, result)
    print("\n".join(_closing(config, result)))


def _check_export(config: TrainConfig) -> None:
    """Check the formats that are written hours later.

    Raises:
        errors.ConfigError: for a format that does not exist or can not be written here.
    """
    exporters.check(config.export)


def _export(config: TrainConfig, result: "RunResult") -> None:
    """Write the formats of the run that are not there yet."""
    from kft import run_dir
    from kft.exporters import export_run

    done = export_run.read_certificates(run_dir.at(str(result.run_dir)))
    formats = tuple(
        name for name in config.export if not done.get(name, {}).get("passed")
    )
    if formats:
        exports = export_run.export_run(
            ExportConfig(run_dir=str(result.run_dir), formats=formats)
        )
        print("\n".join(export_run.table(exports)))


def _closing(config: TrainConfig, result: "RunResult") -> Iterator[str]:
    """Yield what to read at the end of a run: the figures, and what to type next."""
    yield ""
    yield f"run folder           {result.run_dir}"
    for name in ("val_accuracy", "test_accuracy"):
        accuracy = getattr(result, name)
        if accuracy is not None:
            split = name.replace("val", "validation").replace("_", " ")
            yield f"{split:<20} {accuracy:.4f}"
    yield f"{'time':<20} {result.seconds:.0f} s"
    yield ""
    yield "Next:"
    yield f"  python -m kft.evaluate --run_dir={result.run_dir}"
    for example in sorted(result.run_dir.glob("example.*")):
        yield f"  python -m kft.predict --run_dir={result.run_dir} {example}"
    formats = ",".join(config.export or ("saved_model",))
    yield f"  python -m kft.export --run_dir={result.run_dir} --formats={formats}"


if __name__ == "__main__":
    cli.run(TrainConfig, main, with_given=True)
