"""The result of a finished run, as result.json has it."""

import dataclasses
from pathlib import Path
from typing import Any, Self

from kft import errors
from kft.run_folder import saved_config
from kft.run_folder.run_dir import RunDir


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What result.json says of a finished run.

    Attributes:
        run_dir: the run folder.
        val_accuracy: of the weights that are kept, in [0, 1]; None without validation.
        val_loss: mean cross entropy of the same weights, in nats.
        test_accuracy: on the test split, None without one.
        test_loss: likewise.
        seconds: of the run, over all starts.
        startup_seconds: of the last start, by part: import (where the command knows
            it), data, network, trunk (its one pass, not part of a start without a
            cache), first_step. Empty for a run of a version that did not measure it.
        stages: one entry per stage: name, epochs, seconds, images_per_second,
            input_wait_fraction, trainable_parameters, cached, best_epoch,
            val_accuracy.
    """

    run_dir: Path
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    seconds: float
    startup_seconds: dict[str, float]
    stages: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, run: RunDir) -> Self:
        """Return the result of a finished run.

        Raises:
            errors.RunDirError: where result.json is missing or damaged.
        """
        content = saved_config.read_json(run.result_json)
        content["startup_seconds"] = content.get("startup_seconds") or {}
        names = {field.name for field in dataclasses.fields(cls)} - {"run_dir"}
        missing = ", ".join(sorted(names - set(content)))
        if missing:
            raise errors.RunDirError(
                f"{run.result_json} is damaged: it has no {missing}. Remove the file "
                "and repeat the command: the run goes on from its last checkpoint."
            )
        values = {name: content[name] for name in names}
        return cls(run_dir=run.path, **{**values, "stages": tuple(values["stages"])})
