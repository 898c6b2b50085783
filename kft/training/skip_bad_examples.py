"""The ways of a run with examples that cannot be read: name them, or skip them."""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf
from absl import logging

from kft import tasks
from kft.config import RunConfig
from kft.data import bad_examples
from kft.data.bad_examples import BadExample
from kft.data.examples import Splits
from kft.distribution.replicas import Devices
from kft.distribution.worker_loss import WORKER_LOSS_ERRORS
from kft.run_folder import regular_file
from kft.run_folder.run_dir import RunDir
from kft.training import out_of_memory, worker_sync
from kft.training.run_context import RunContext


@contextlib.contextmanager
def naming(context: RunContext) -> Iterator[None]:
    """Turn the failure of a pipeline in the block into the name of a bad example.

    Raises:
        errors.DataError: naming the example and what is wrong with it.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if _is_of_no_example(error, context.devices):
            raise
        logging.info("Looking for an example that cannot be read.")
        preprocess = context.preprocess(training=False)
        parts = context.splits.parts().values()
        explained = bad_examples.explain_failure(error, parts, preprocess)
        if explained is error:
            raise
        raise explained from error


def _is_of_no_example(error: tf.errors.OpError, devices: Devices) -> bool:
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return True
    # Nothing that this worker's own data could explain.
    if devices.num_workers > 1 and isinstance(error, WORKER_LOSS_ERRORS):
        return True
    return out_of_memory.is_out_of_memory(error)


def skip(config: RunConfig, splits: Splits, *, run: RunDir, devices: Devices) -> Splits:
    """Return the splits without the examples that cannot be read, if asked to.

    A new run reads everything once, and keeps what it found in bad_images.csv; one that
    goes on leaves out the same, so that its batches stay what they were.

    Raises:
        errors.DataError: where too many are bad, or all of a class.
    """
    if not config.skips_bad_examples:
        return splits
    kept = _kept(run, devices)
    with devices.together("read the examples"):
        if kept is not None:
            return bad_examples.leave_out(splits, kept)
        preprocess = tasks.get(config, splits.labels).inputs.preprocess(training=False)
        splits, bad = bad_examples.without_bad(
            splits, preprocess, max_bad_fraction=config.max_bad_fraction
        )
    if devices.is_chief:
        run.write_text(run.bad_images_csv, bad_examples.bad_csv(bad))
    return splits


def _kept(run: RunDir, devices: Devices) -> Sequence[BadExample] | None:
    """Return what the run skips, on all workers; None where that is not known yet."""
    if not worker_sync.has_checkpoint(run, devices):
        return None

    def read() -> bytes:
        try:
            content = regular_file.read(run.bad_images_csv)
            bad_examples.parse_bad_csv(content.decode())
        except (OSError, ValueError) as error:
            logging.warning(
                "%s cannot be read, so all examples are: %s.",
                run.bad_images_csv,
                error,
            )
            return b""
        return content

    content = devices.from_chief(read)
    return bad_examples.parse_bad_csv(content.decode()) if content else None
