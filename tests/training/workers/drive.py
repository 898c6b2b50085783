"""Fine-tune the tiny network in a process of its own, and write down what it did.

  python -m tests.training.workers.drive OUT_FOLDER JOBS.json

Jobs are objects with the name of a run and changes to the config; `stop_at` sends this
process SIGTERM in the host call with that number, `kill_at` SIGKILL, `freeze_at`
SIGSTOP. Each job leaves NAME-WORKER.json (figures, or the error) and NAME-WORKER.npz
(weights, logits). `run_of` takes the run folder of another job, `teacher_of` its run as
the teacher.
"""

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

# A GPU would compute other figures.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np

from kft import errors, tasks
from kft.config import TrainConfig
from kft.data import sample
from kft.data.examples import Splits
from kft.distribution import cluster
from kft.training import finalize, fine_tune, preflight, stage_loop
from kft.training.monitoring import signals
from kft.training.monitoring.progress import SilentReporter
from tests import tiny


class Losses(keras.callbacks.Callback):
    """Notes the mean loss of the epoch so far, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []
        self.last = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.last = time.monotonic()
        self.seen.append([batch, logs["loss"], logs["accuracy"]])


class Notes:
    """What a process keeps of the run under way."""

    def __init__(self) -> None:
        self.arrays = {}
        self.figures = {}

    def watch(self) -> None:
        """Note the weights and figures that this process ends with."""
        finish = finalize.finalize_run

        def noting_finish(context, state, caches):
            finished = finish(context, state, caches)
            model = context.network.model
            self.arrays |= {v.path: v.numpy() for v in model.weights}
            inputs = sample.load(
                context.splits.validation, context.preprocess(training=False)
            )
            self.arrays["logits"] = model(np.stack(inputs), training=False).numpy()
            self.figures |= finished.result.to_json()
            self.figures["folder"] = str(context.run.path)
            return finished

        finalize.finalize_run = noting_finish


def load(job: dict) -> Splits:
    if "bad_data" in job:
        raise errors.DataError(job["bad_data"])
    sizes = job.get("sizes", [70, 37, 11])
    train, validation, test = (
        tiny.examples(n, seed=seed) for seed, n in enumerate(sizes)
    )
    return Splits(
        labels=tiny.Task.labels,
        train=train,
        validation=validation,
        test=test,
        fingerprint=job.get("fingerprint", "tiny"),
        source="tiny",
    )


def strike(job: dict) -> None:
    """Send this process a signal in a host call, if the job says so."""
    original, count = stage_loop.StageLoop._call, iter(range(10_000))
    stops = {
        "stop_at": signal.SIGTERM,
        "kill_at": signal.SIGKILL,
        "freeze_at": signal.SIGSTOP,
    }

    def call(self, *args):
        number = next(count)
        for name, sent in stops.items():
            if job.get(name) == number:
                signal.raise_signal(sent)
        return original(self, *args)

    stage_loop.StageLoop._call = call


def _teacher(job: dict, folder: Path) -> dict[str, str]:
    """Return the change to the config that makes a run of another job the teacher."""
    name = job.get("teacher_of")
    return {"teacher": str(folder / name)} if name else {}


def run(job: dict, folder: Path) -> None:
    notes, losses = Notes(), Losses()
    config = TrainConfig(
        **{
            "run_dir": str(folder / job.get("run_of", job["name"])),
            "stages": "head:2@0.1,block_3:2@0.05,all:1@0.01",
            "batch_size": 16,
            "export": (),
            **_teacher(job, folder),
            **job.get("changes", {}),
        }
    )
    preflight.check = lambda config, **_: preflight._check_workers(config)
    tasks.load_splits = lambda config: load(job)
    tasks.get = lambda config, labels, run=None: tiny.Task(
        dropout=job.get("dropout", 0.0)
    )
    stage_loop._SECONDS_PER_CALL = job.get("seconds_per_call", 0.0)
    kept = finalize.finalize_run, stage_loop.StageLoop._call
    notes.watch()
    strike(job)
    try:
        # As the command does, which listens before TensorFlow starts.
        with signals.listening():
            result = fine_tune.fine_tune(
                config, callbacks=[losses], reporter=SilentReporter()
            )
        notes.figures["result"] = {
            "val_accuracy": result.val_accuracy,
            "seconds": result.seconds,
            "run_dir": str(result.run_dir),
            "cached": [stage.cached for stage in result.stages],
        }
    except errors.KftError as error:
        notes.figures["error"] = [type(error).__name__, str(error)]
        notes.figures["seconds_to_error"] = time.monotonic() - losses.last
    finally:
        finalize.finalize_run, stage_loop.StageLoop._call = kept
    notes.figures["steps"] = losses.seen
    notes.figures["scratch"] = list(Path(tempfile.gettempdir()).glob("kft-*")) != []
    found = cluster.find(config, os.environ)
    stem = f"{job['name']}-{found.worker if found else 0}"
    (folder / f"{stem}.json").write_text(json.dumps(notes.figures))
    np.savez(folder / f"{stem}.npz", **notes.arrays)


def main() -> None:
    folder, jobs = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    for job in jobs:
        run(job, folder)


if __name__ == "__main__":
    main()
