"""kft: fine-tuning of pretrained networks with Keras 3 and TensorFlow."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kft.config import (
        AudioClassificationConfig,
        SpeechRecognitionConfig,
        TextClassificationConfig,
        TokenClassificationConfig,
        TrainConfig,
    )
    from kft.inference.finetuned_model import FinetunedModel, load
    from kft.run_folder.run_result import RunResult
    from kft.workflows.python_run import cross_validate, fine_tune

__version__ = "0.1.0"
__all__ = [
    "AudioClassificationConfig",
    "FinetunedModel",
    "RunResult",
    "SpeechRecognitionConfig",
    "TextClassificationConfig",
    "TokenClassificationConfig",
    "TrainConfig",
    "cross_validate",
    "fine_tune",
    "load",
]

# Which imports TensorFlow itself.
_LOADED = "kft.inference.finetuned_model"
# They are imported when they are first used: TensorFlow starts slowly.
_MODULES = {
    "FinetunedModel": _LOADED,
    "load": _LOADED,
    "RunResult": "kft.run_folder.run_result",
    "AudioClassificationConfig": "kft.config",
    "SpeechRecognitionConfig": "kft.config",
    "TextClassificationConfig": "kft.config",
    "TokenClassificationConfig": "kft.config",
    "TrainConfig": "kft.config",
    "cross_validate": "kft.workflows.python_run",
    "fine_tune": "kft.workflows.python_run",
}


def __getattr__(name: str) -> Any:
    """Return a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module 'kft' has no attribute {name!r}")
    if _MODULES[name] == _LOADED:
        from kft.cli import startup_logs

        startup_logs.from_python()
    return getattr(importlib.import_module(_MODULES[name]), name)
