"""How long report.html takes beyond prediction, and how large it is.

  python tools/bench_report.py --classes=10 --per_class=1000
  python tools/bench_report.py --classes=200 --per_class=50 --folder=/tmp/report-200

Writes a run folder with noise images, predictions that are made up (right in about
four of five cases, else mostly one of two neighbours) and a network of random weights,
and makes the report of it. Loading the network and Grad-CAM are part of the time.
"""

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

STAGES = (("head", 10), ("all", 20))


def main() -> None:
    """Make the folder and the report, and print its time and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--per_class", type=int, default=1000)
    parser.add_argument("--backbone", default="EfficientNetLite0")
    parser.add_argument("--image_size", type=int, default=224, help="of the network")
    parser.add_argument("--side", type=int, default=96, help="of the images")
    parser.add_argument("--folder", default=None, help="keep what is written here")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or stack.enter_context(tempfile.TemporaryDirectory())
        folder = Path(folder)
        _write_images(folder / "images", arguments)
        run = _write_run(folder, arguments)
        from kft.reporting import write_report

        start, start_cpu = time.monotonic(), time.process_time()
        report = write_report.make(run)
        figures = {
            "seconds": round(time.monotonic() - start, 1),
            # All cores together; on a busy machine it says more.
            "cpu_seconds": round(time.process_time() - start_cpu, 1),
            "megabytes": round(report.path.stat().st_size / 1e6, 2),
        }
        print(report.verdict)
        print(json.dumps(figures))


def _name(number: int) -> str:
    return f"species {number:03d} with a name"


def _write_images(folder: Path, arguments: argparse.Namespace) -> None:
    """Write the validation images, and two for training, of each class."""
    rng = np.random.default_rng(0)
    side = arguments.side
    for number in range(arguments.classes):
        colour = rng.integers(0, 256, 3)
        for count, part in ((arguments.per_class, "val"), (2, "train")):
            place = folder / part / _name(number)
            place.mkdir(parents=True, exist_ok=True)
            for image in range(count):
                noise = rng.normal(0, 30, (side // 8, side // 8, 3)) + colour
                pixels = np.clip(noise, 0, 255).astype(np.uint8)
                drawn = Image.fromarray(pixels).resize((side, side))
                drawn.save(place / f"{image:05d}.jpg", quality=85)


def _write_run(folder: Path, arguments: argparse.Namespace):
    from kft import tasks
    from kft.config import TrainConfig
    from kft.distribution import runtime
    from kft.evaluation import prediction_files
    from kft.evaluation.prediction_files import PredictionSource
    from kft.metrics.predictions import Predictions
    from kft.model import weights_file
    from kft.run_folder import environment, run_dir, split_csv

    config = TrainConfig(
        dataset=f"folder:{folder / 'images'}",
        backbone=arguments.backbone,
        image_size=arguments.image_size,
        run_dir=str(folder / "run"),
        augment="standard",
        weights="none",
    )
    run, _ = run_dir.prepare(config)
    splits = tasks.load_splits(config)
    devices = runtime.start(config, seed=0)
    network = tasks.get(config, splits.labels).network(weights="none")
    run.write_bytes(run.best_weights, weights_file.to_bytes(network.model))
    run.write_text(run.labels_txt, splits.labels.text())
    run.write_text(run.split_csv, split_csv.text(splits))
    facts = {**environment.describe(devices), "data_fingerprint": "made up"}
    run.write_json(run.environment_json, facts)
    run.write_text(run.metrics_jsonl, "".join(_lines()))
    run.write_json(run.result_json, _result())
    validation = splits.validation
    prediction_files.write(
        run,
        Predictions(validation.ids, validation.labels, _logits(validation.labels)),
        PredictionSource(
            data=config.dataset,
            split="validation",
            weights=prediction_files.weights_digest(run),
            classes=splits.labels.names,
        ),
    )
    return run


def _lines():
    step = 0
    for name, epochs in STAGES:
        for epoch in range(1, epochs + 1):
            share = epoch / epochs
            step += 100
            line = {
                "stage": name,
                "epoch": epoch,
                "epochs": epochs,
                "step": step,
                "loss": 2 - 1.7 * share,
                "accuracy": 0.4 + 0.5 * share,
                "val_loss": 2 - 1.5 * share,
                "val_accuracy": 0.4 + 0.4 * share,
                "learning_rate": 0.01 * (1 - share),
                "seconds": 10.0,
                "examples_per_second": 500.0,
                "input_wait_fraction": 0.05,
            }
            yield json.dumps(line) + "\n"


def _result():
    stages = [
        {
            "name": name,
            "epochs": epochs,
            "seconds": 10.0 * epochs,
            "examples_per_second": 500.0,
            "input_wait_fraction": 0.05,
            "trainable_parameters": 12345,
            "cached": name == "head",
            "best_epoch": epochs,
            "val_accuracy": 0.8,
        }
        for name, epochs in STAGES
    ]
    figures = dict.fromkeys(["val_loss", "test_accuracy", "test_loss"])
    return {
        "status": "finished",
        "monitor": "val_accuracy",
        "higher_is_better": True,
        "val_accuracy": 0.8,
        **figures,
        "best_stage": STAGES[-1][0],
        "best_epoch": STAGES[-1][1],
        "seconds": 300.0,
        "startup_seconds": {},
        "stages": stages,
    }


def _logits(labels: np.ndarray) -> np.ndarray:
    """Return logits that are right in about four of five cases."""
    rng = np.random.default_rng(1)
    classes = labels.max() + 1
    logits = rng.normal(0, 1, (len(labels), classes)).astype(np.float32)
    near = (labels + rng.integers(1, 3, len(labels))) % classes
    said = np.where(rng.random(len(labels)) < 0.8, labels, near)
    logits[np.arange(len(labels)), said] += rng.uniform(2, 9, len(labels))
    return logits


if __name__ == "__main__":
    main()
