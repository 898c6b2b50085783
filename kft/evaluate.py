"""Measure a finished run on one of its splits, or on other data.

Every example counts exactly once. The figures are printed, and kept in evaluation.json
of the run folder; predictions.npz beside it has the network's output for each example.

  python -m kft.evaluate runs/flowers
  python -m kft.evaluate runs/flowers --data=folder:new_photos
"""

from kft import tasks
from kft.cli import command, progress_bar, rich_console
from kft.config import EvaluateConfig
from kft.evaluation import metric_tables
from kft.run_folder import run_dir


def main(config: EvaluateConfig) -> None:
    """Evaluate, print and keep the figures."""
    run = run_dir.finished(config.run_dir, out=config.out)
    run.check_writable()
    tasks.check_views(run_dir.read_config(run).task, config.tta)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.evaluation import evaluate_run

    evaluation = evaluate_run.evaluate(config, bar=progress_bar.on_terminal)
    console = rich_console.console()
    shown = metric_tables.tables_of(
        evaluation.figures, evaluation.to_json(), width=console.width
    )
    for part in shown:
        console.print(part)
    evaluate_run.keep(evaluation)
    if config.assert_accuracy_at_least is not None:
        problem = evaluation.judged.problem(config.assert_accuracy_at_least)
        if problem is not None:
            raise problem


COMMAND = command.Command(
    name="evaluate",
    description=__doc__,
    config=EvaluateConfig,
    main=main,
    positional="run_dir",
)

if __name__ == "__main__":
    command.run(COMMAND)
