"""The figures of a finished run on a split or on other data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.config import EvaluateConfig
from kft.data import pipeline, plan, scan
from kft.data.examples import Examples
from kft.evaluation import metrics, run_examples, trained
from kft.evaluation.metrics import Figures
from kft.evaluation.trained import Trained
from kft.training.scoring import Scorer


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Return the figures of a run, each example counted once, and what they are of.

    Keys: run_dir, data, split, and those of `metrics.Figures`.

    Raises:
        errors.ConfigError, errors.DataError: for data that can not be used.
        errors.RunDirError: for a folder of no finished run.
    """
    run = trained.load(config.run_dir)
    if config.data is None:
        examples = run_examples.of_split(run, config.split)
    else:
        examples = run_examples.of_data(run, config.data, config.split)
    return {
        "run_dir": str(run.run.path),
        "data": config.data or run.config.dataset,
        "split": config.split,
        **measure(run, examples).to_json(),
    }


def measure(run: Trained, examples: Examples) -> Figures:
    """Return the figures of a run on examples.

    Raises:
        errors.DataError: naming the example that can not be read.
    """
    return metrics.measure(logits(run, examples), examples.labels, run.labels.names)


def logits(run: Trained, examples: Examples) -> np.ndarray:
    """Return the logits [n, classes] of examples; raises like `measure`."""
    preprocess = run.task.preprocess(training=False)
    batches = pipeline.eval_batches(
        examples, preprocess, share=plan.Share(batch_size=run.config.batch_size)
    )
    scorer = Scorer(run.task, run.model, devices=run.devices)
    try:
        return scorer.predict(batches)
    except tf.errors.OpError as error:
        raise scan.explain_failure(error, [examples], preprocess) from error


def table(result: dict[str, Any]) -> Sequence[str]:
    """Return the lines that show what `evaluate` returned."""
    low, high = result["accuracy_interval"]
    lines = [
        f"{result['data']}, {result['split']}: {result['examples']:,} examples",
        "",
        f"accuracy        {result['accuracy']:.4f}   (95%: {low:.4f} to {high:.4f})",
    ]
    if result["top_5_accuracy"] is not None:
        lines.append(f"top-5 accuracy  {result['top_5_accuracy']:.4f}")
    lines += [
        f"macro F1        {result['macro_f1']:.4f}",
        f"loss            {result['loss']:.4f}",
        "",
    ]
    width = max(len("class"), *(len(one["label"]) for one in result["classes"]))
    heads = ("examples", "precision", "recall", "F1")
    lines.append(f"{'class':{width}}  " + "  ".join(f"{head:>9}" for head in heads))
    for one in result["classes"]:
        shares = (one["precision"], one["recall"], one["f1"])
        cells = [f"{one['examples']:>9,}", *(f"{_share(s):>9}" for s in shares)]
        lines.append(f"{one['label']:{width}}  " + "  ".join(cells))
    return lines


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
