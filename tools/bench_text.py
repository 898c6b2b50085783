"""Staged fine-tuning of a text classifier by kft against plain Keras fit, in one run.

  python tools/bench_text.py --dataset=csv:reviews.csv --out=text.json
  python tools/bench_text.py --peer --peer_python=/other/venv/bin/python

Both take the same network, pretrained weights, split, stages, epochs, rates, batches
and clipping. kft tokenises once, stores the outputs of the frozen layers without
padding, and makes batches of similar length. Plain Keras does what its guides show: all
texts padded to --max_length, the frozen layers computed in every epoch, `fit` for each
stage. With --peer the Trainer of Hugging Face does it, too (tools/peer_trainer.py), by
the Python of an environment with torch, transformers and accelerate.
Tokenising is in neither time. Seconds are of training, validation after each epoch and
the storing of features; the load of the machine is printed beside them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STAGES = "head:5@1e-2,top4:2@3e-2"
# Parts of a start that are no training.
_BEFORE = ("import", "data", "network")


def main() -> None:
    """Measure both, print the figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="reviews")
    parser.add_argument("--backbone", default="MiniLM-L6")
    parser.add_argument("--stages", default=STAGES)
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--examples", type=int, default=None, help="of training")
    parser.add_argument("--skip_keras", action="store_true")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--peer_python", default=sys.executable)
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = _config(arguments, folder)
        rows = [staged(config)]
        if not arguments.skip_keras:
            rows.append(plain(config, (config.max_length,)))
        if arguments.peer:
            rows.append(_peer(config, arguments.peer_python, Path(folder)))
    found = {
        "rows": rows,
        "times_faster": [
            round(row["seconds"] / rows[0]["seconds"], 2) for row in rows[1:]
        ],
        "above_the_head": rows[0]["accuracy"] - rows[0]["accuracy_of_head"],
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }
    print(json.dumps(found, indent=1))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(found, indent=1))


def _config(arguments: argparse.Namespace, folder: str) -> Any:
    from kft.config import TextClassificationConfig

    return TextClassificationConfig(
        dataset=arguments.dataset,
        backbone=arguments.backbone,
        stages=arguments.stages,
        max_length=arguments.max_length,
        examples_per_class=arguments.examples,
        run_dir=str(Path(folder, "run")),
        export=(),
        report=False,
    )


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


def _peer(config: Any, python: str, folder: Path) -> dict[str, Any]:
    """Return what the Trainer of Hugging Face does, with the same weights and data."""
    import tensorflow as tf

    from kft import tasks
    from kft.backbones.text import text_backbone
    from kft.config import stages

    network = folder / "network"
    network.mkdir()
    for file in text_backbone.files(config.backbone).iterdir():
        if file.is_file():
            (network / file.name).write_bytes(file.read_bytes())
    blocks = text_backbone.blocks(config.backbone)
    splits = tasks.load_splits(config)
    job: dict[str, Any] = {
        "folder": str(network),
        "stages": [],
        "max_length": config.max_length,
        "batch_size": config.batch_size,
        "momentum": config.momentum,
        "clip_norm": config.clip_norm,
    }
    for stage in stages.parse_stages(config.stages):
        depth = stages.stage_depth(stage, blocks)
        layers = None if depth > len(blocks.names) else depth
        job["stages"].append([layers, stage.epochs, stage.learning_rate])
    for name, part in (("train", splits.train), ("validation", splits.validation)):
        texts = part.read(tf.constant(part.rows)).numpy()
        job[name] = {
            "texts": [text.decode() for text in texts],
            "labels": part.labels.tolist(),
        }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    script = Path(__file__).with_name("peer_trainer.py")
    done = subprocess.run(
        [python, str(script), str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"The peer failed:\n{done.stderr[-3000:]}")
    return {
        "what": "Trainer of Hugging Face with PyTorch",
        **json.loads(done.stdout.splitlines()[-1]),
    }


if __name__ == "__main__":
    main()
