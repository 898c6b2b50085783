"""Fine-tune a pretrained network.

One run goes from the data over the stages to the best weights, the export and
result.json, all in one run folder. The same command continues a run that was stopped.

  python -m kft.train --flagfile=configs/quickstart.cfg
  python -m kft.train --dataset=folder:photos --backbone=MobileNetV2
"""

from kft import cli
from kft.config import TrainConfig


def main(config: TrainConfig) -> None:
    """Train, and say what to do with the result."""
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.training import fine_tune

    fine_tune.fine_tune(config)


if __name__ == "__main__":
    cli.run(TrainConfig, main)
