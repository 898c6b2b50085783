"""The temperature that a run is served with.

`kft.export --calibrate` records it in export/calibration.json. From then on it belongs
to the run: every export has it inside, and what kft.predict says is what is served.
"""

import typing
from typing import Any

from kft import errors
from kft.metrics import reliability, scores
from kft.metrics.calibration import Calibration
from kft.metrics.predictions import Predictions
from kft.run_folder import json_values, saved_config
from kft.run_folder.run_dir import RunDir

_NAME = "calibration.json"
# Fits end well within; beyond them answers are certain or alike whatever the input.
_LOWEST, _HIGHEST = 1e-3, 1e3


def recorded(run: RunDir) -> Calibration | None:
    """Return the calibration of a run, None for a run that is not calibrated.

    Where exports go to another folder, one that was recorded there comes first.

    Raises:
        errors.RunDirError: where its file is damaged.
    """
    folders = (run.export, RunDir(run.path).export)
    path = next((p for f in folders if (p := f / _NAME).exists()), None)
    if path is None:
        return None
    content = saved_config.read_json(path)
    problem = (
        f"expected a temperature from {_LOWEST:g} to {_HIGHEST:g}, received "
        f"{content.get('temperature')}"
    )
    try:
        json_values.check(content, typing.get_type_hints(Calibration))
        found = Calibration(**content)
        if _LOWEST <= found.temperature <= _HIGHEST:
            return found
    except (TypeError, ValueError) as error:
        problem = str(error)
    raise errors.RunDirError(
        f"{path} is damaged: {problem}. Remove it, and calibrate again with "
        f"`python -m kft.export --run_dir={run.path} --calibrate`."
    )


def of_run(run: RunDir) -> float:
    """Return what the logits of a run are divided by; raises like `recorded`."""
    found = recorded(run)
    return 1.0 if found is None else found.temperature


def served(run: RunDir, predictions: Predictions) -> dict[str, Any]:
    """Return temperature, served_loss and served_ece; None for a run without.

    Nothing at all is returned where an example has other labels than one class: there
    are no class probabilities then that a temperature could mend.

    Args:
        run: the run.
        predictions: of its network.
    """
    of_classes = predictions.of_classes
    if of_classes is None:
        return {}
    found = recorded(run)
    if found is None:
        return dict.fromkeys(("temperature", "served_loss", "served_ece"))
    scaled = of_classes.logits / found.temperature
    return {
        "temperature": found.temperature,
        "served_loss": scores.cross_entropy(scaled, of_classes.labels),
        "served_ece": reliability.error_of(scaled, of_classes.labels),
    }


def record(run: RunDir, found: Calibration) -> None:
    """Keep a calibration; raises RunDirError where it cannot be written."""
    run.write_json(run.export / _NAME, found.to_json())
