"""The same training by kft and by plain Keras fit, for the benchmarks beside this."""

import time
from collections.abc import Sequence
from typing import Any

# Parts of a start that are no training.
_BEFORE = ("import", "data", "network")


def staged(config: Any) -> dict[str, Any]:
    """Return what kft does."""
    from kft.training.fine_tune import fine_tune
    from kft.training.monitoring.progress import SilentReporter

    start = time.monotonic()
    result = fine_tune(config, reporter=SilentReporter())
    everything = time.monotonic() - start
    # What Keras has before its `fit`, too; the frozen layers' one pass stays.
    before = sum(result.startup_seconds.get(name, 0.0) for name in _BEFORE)
    return {
        "what": "kft, staged",
        "seconds": round(everything - before, 1),
        "seconds_with_start": round(everything, 1),
        "accuracy": round(result.validation["accuracy"], 4),
        "accuracy_of_head": round(result.stages[0].validation["accuracy"], 4),
    }


def plain(config: Any, boundaries: Sequence[int]) -> dict[str, Any]:
    """Return what plain Keras fit does: the network, the stages and rates of a run.

    Args:
        config: of the run; its examples are of one class each.
        boundaries: the one length that inputs are padded to; () for one shape.
    """
    import keras
    import numpy as np

    from kft import tasks
    from kft.config import stages
    from kft.data import sample

    splits = tasks.load_splits(config)
    task = tasks.get(config, splits.labels)
    inputs, targets = {}, {}
    for name, part in (("train", splits.train), ("validation", splits.validation)):
        prepared = task.inputs.prepare(part, training=False)
        loaded = sample.load(prepared, task.inputs.preprocess(training=False))
        inputs[name] = sample.stack(loaded, task.inputs.spec, boundaries)
        targets[name] = np.asarray(part.labels)
    network = task.network()
    best, seconds = 0.0, 0.0
    for stage in stages.parse_stages(config.stages):
        _train_only(network, stages.stage_depth(stage, network.blocks))
        network.model.compile(
            keras.optimizers.SGD(
                stage.learning_rate,
                momentum=config.momentum,
                global_clipnorm=config.clip_norm,
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        start = time.monotonic()
        history = network.model.fit(
            inputs["train"],
            targets["train"],
            batch_size=config.batch_size,
            epochs=stage.epochs,
            validation_data=(inputs["validation"], targets["validation"]),
            verbose=0,
        )
        seconds += time.monotonic() - start
        best = max(best, *history.history["val_accuracy"])
    return {
        "what": "plain Keras fit, all padded, nothing stored",
        "seconds": round(seconds, 1),
        "accuracy": round(best, 4),
    }


def _train_only(network: Any, depth: int) -> None:
    """Let the layers above a cut train, and no others."""
    from kft.model import split

    anchor = network.anchor(depth)
    below = split.ancestors(network.model, anchor) if anchor else frozenset()
    for layer in network.model.layers:
        layer.trainable = layer.name not in below
