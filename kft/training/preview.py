"""`--preview`: what the network will see first, before it sees it."""

import numpy as np
import tensorflow as tf

from kft.data import epoch_plan, pipeline
from kft.training import skip_bad_examples, stage_setup
from kft.training.run_context import Session

_SHOWN = 2


def write(session: Session) -> None:
    """Write the first inputs of epoch 0 to preview.png, if asked to, and say where.

    They are those of all workers together, in the order of the batches.

    Raises:
        errors.DataError: for an example that can not be read.
        errors.TrainingError: on the other workers, where the chief could not write it.
    """
    if session.config.preview is None:
        return
    with session.devices.together("write the preview"):
        if session.devices.is_chief:
            # Within the block: the other workers hear of errors of kft only.
            with skip_bad_examples.naming(session):
                _write(session, session.config.preview)


def _write(session: Session, count: int) -> None:
    inputs, labels = first_inputs(session, count)
    names = session.task.labels.names
    captions = [caption(label, names) for label in labels]
    sheet = session.task.contact_sheet(inputs, captions)
    session.run.write_bytes(session.run.preview_png, sheet)
    session.reporter.say(
        f"{session.run.preview_png} shows the first {len(labels)} training inputs."
    )


def first_inputs(session: Session, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs [n, ...] and labels, as in batches, of the first examples.

    Args:
        session: the run.
        count: how many; fewer where an epoch has fewer.
    """
    batches = pipeline.train_batches(
        session.splits.train,
        session.task.preprocess(training=True),
        share=epoch_plan.Share(batch_size=session.config.batch_size),
        recipe=stage_setup.recipe(session),
        span=pipeline.Span(epochs=1),
    )
    inputs, labels = [], []
    for batch in batches.as_numpy_iterator():
        valid = batch[2] > 0
        inputs.append(tf.nest.map_structure(lambda x, v=valid: x[v], batch[0]))
        labels.append(batch[1][valid])
        if sum(map(len, labels)) >= count:
            break
    joined = tf.nest.map_structure(lambda *x: np.concatenate(x)[:count], *inputs)
    return joined, np.concatenate(labels)[:count]


def caption(label: np.ndarray, names: tuple[str, ...]) -> str:
    """Return the name of a label, or the names and shares of a mixed one."""
    if not label.shape:
        return names[label]
    order = np.argsort(-label, kind="stable")[:_SHOWN]
    parts = [f"{names[c]} {label[c]:.2f}" for c in order if label[c] > 0]
    return ", ".join(parts)
