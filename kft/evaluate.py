"""Measure a finished run on one of its splits, or on other data.

Every example counts exactly once. The figures are printed, and kept in evaluation.json
of the run folder.

  python -m kft.evaluate --run_dir=runs/flowers
  python -m kft.evaluate --run_dir=runs/flowers --data=folder:new_photos
"""

import sys

from kft import cli, run_dir
from kft.config import EvaluateConfig


def main(config: EvaluateConfig) -> None:
    """Evaluate, print and keep the figures."""
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.evaluation import evaluate

    result = evaluate.evaluate(config)
    print("\n".join(evaluate.table(result)))
    run = run_dir.at(config.run_dir)
    run.write_json(run.path / "evaluation.json", result)
    bar = config.assert_accuracy_at_least
    if bar is not None and result["accuracy"] < bar:
        sys.stdout.flush()
        sys.exit(
            f"error: --assert_accuracy_at_least={bar}: the accuracy is "
            f"{result['accuracy']:.4f}."
        )


if __name__ == "__main__":
    cli.run(EvaluateConfig, main)
