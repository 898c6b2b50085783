"""kft: fine-tuning of pretrained networks with Keras 3 and TensorFlow."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["TrainConfig", "RunResult", "fine_tune"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: TensorFlow starts slowly."""
    if name == "TrainConfig":
        from kft import config

        return config.TrainConfig
    if name in ("fine_tune", "RunResult"):
        from kft.training import fine_tune as module

        return getattr(module, name)
    raise AttributeError(f"module 'kft' has no attribute {name!r}")
