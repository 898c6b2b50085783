"""Measure a finished run on one of its splits, or on other data.

Every example counts exactly once. The figures are printed, and kept in evaluation.json
of the run folder; predictions.npz beside it has the network's output for each example.

  python -m kft.evaluate --run_dir=runs/flowers
  python -m kft.evaluate --run_dir=runs/flowers --data=folder:new_photos
"""

from kft import errors
from kft.cli import command, tables
from kft.config import EvaluateConfig
from kft.evaluation import metric_tables as evaluation_tables


def main(config: EvaluateConfig) -> None:
    """Evaluate, print and keep the figures."""
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.evaluation import evaluate_run

    evaluation = evaluate_run.evaluate(config)
    console = tables.console()
    for part in evaluation_tables.figures(evaluation.to_json(), width=console.width):
        console.print(part)
    evaluate_run.keep(evaluation)
    bar = config.assert_accuracy_at_least
    if bar is not None and evaluation.figures.accuracy < bar:
        raise errors.AccuracyError(evaluation.figures.accuracy, bar)


if __name__ == "__main__":
    command.run(EvaluateConfig, main)
