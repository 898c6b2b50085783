"""`--preview`: what the network will see first, before it sees it."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.data import pipeline
from kft.distribution.batch_sharing import BatchShare
from kft.training import skip_bad_examples
from kft.training.run_context import RunContext

# Classes of one example.
_SHOWN = 4


def write(context: RunContext) -> None:
    """Write the first inputs of epoch 0 to preview.png, if asked to, and say where.

    They are those of all workers together, in the order of the batches.

    Raises:
        errors.DataError: for an example that cannot be read.
        errors.TrainingError: on the other workers, where the chief could not write it.
    """
    if context.config.preview is None:
        return
    with context.devices.together("write the preview"):
        if context.devices.is_chief:
            # Within the block: the other workers hear of errors of kft only.
            with skip_bad_examples.naming(context):
                _write(context, context.config.preview)


def _write(context: RunContext, count: int) -> None:
    inputs, labels = first_inputs(context, count)
    names = _legible(context.task.labels.names)
    captions = [caption(label, names) for label in labels]
    sheet = context.task.display.preview(inputs, captions)
    context.run.write_bytes(context.run.preview_png, sheet)
    context.io.reporter.say(
        f"{context.run.preview_png} shows the first {len(labels)} training inputs."
    )


def _legible(names: Sequence[str]) -> Sequence[str]:
    """Return the names, or the numbers of the classes where no font has the letters."""
    if all(map(str.isascii, names)):
        return names
    # matplotlib looks at all fonts at first, and most names need none.
    from kft.data import fonts

    return names if fonts.families(names) else [str(i) for i in range(len(names))]


def first_inputs(context: RunContext, count: int) -> tuple[list[Any], list[np.ndarray]]:
    """Return the inputs and the labels, each as in its batch, of the first examples.

    Args:
        context: the run.
        count: how many; fewer where an epoch has fewer.
    """
    batches = pipeline.train_batches(
        context.splits.train,
        context.preprocess(training=True),
        share=BatchShare(batch_size=context.config.settled_batch_size),
        sampling=dataclasses.replace(context.sampling_config, taught=None),
        span=pipeline.Span(epochs=1),
    )
    inputs, labels = [], []
    for batch in batches.as_numpy_iterator():
        for row in np.flatnonzero(batch[2] > 0):
            inputs.append(tf.nest.map_structure(lambda x, r=row: x[r], batch[0]))
            labels.append(batch[1][row])
        if len(labels) >= count:
            break
    return inputs[:count], labels[:count]


def caption(label: np.ndarray, names: Sequence[str]) -> str:
    """Return a label in words.

    Args:
        label: a class id, the shares of the classes of a mixed example, switches of
            several classes, or a class id for each step, in which a negative one
            (`NO_LABEL`) is none.
        names: of the classes, in index order.
    """
    if not label.shape:
        return names[int(label)]
    if np.issubdtype(label.dtype, np.integer):
        return ", ".join(_runs(label[label >= 0], names))
    shown = np.argsort(-label, kind="stable")[: np.count_nonzero(label)]
    parts = [
        names[c] if label[c] == 1 else f"{names[c]} {label[c]:.2f}"
        for c in shown[:_SHOWN]
    ]
    return ", ".join(parts) + (", ..." if len(shown) > _SHOWN else "")


def _runs(steps: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Yield the name of each run of equal steps, and how many it has."""
    for label, run in itertools.groupby(steps.tolist()):
        count = len(list(run))
        yield names[label] if count == 1 else f"{names[label]} x{count}"
