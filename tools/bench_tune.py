"""Bayesian search against random search, and both against the config's own settings.

  python tools/bench_tune.py --dataset=digits --backbone=EfficientNetLite0
  python tools/bench_tune.py --dataset=folder:flowers --backbone=MobileNetV2
  python tools/bench_tune.py --dataset=digits --backbone=EfficientNetLite0 \
      --whole_runs --stages=head:10@1e-2,block5:8@3e-3 --space=

Searches the head on a frozen network, 12 trials for each seed: its rate, momentum,
weight decay and epochs; or another --space, empty for the default of kft.tune. The
trunk runs once (`kft.train` with a cache on disk). The trials are then played: the head
alone is trained in numpy on the stored features, with the steps, schedule and choice of
the best epoch that a run has, but other initial weights. So a trial takes a second, and
the searches can be repeated. With --whole_runs every trial is a run of its own instead,
as `kft.tune` makes them: all stages, pruned where it is hopeless. What --out has then
already is not run again.

Validation chooses; every other example of it is held out, and tells how much of a gain
is only the luck of the best of 12.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

SPACE = (
    "stages.head.learning_rate=log:1e-4..1,momentum=linear:0..0.95,"
    "weight_decay=log:1e-6..1e-2,stages.head.epochs=int:2..16"
)
TUNERS = ("random", "bayesian")


def main() -> None:
    """Run the searches and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--image_size", type=int, default=None)
    parser.add_argument("--resize", default="squash")
    parser.add_argument("--stages", default="head:10@1e-2", help="the config's own")
    parser.add_argument("--space", default=SPACE)
    parser.add_argument("--examples_per_class", type=int, default=None)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--whole_runs", action="store_true")
    parser.add_argument(
        "--work", default=None, help="folder to keep; default: a new one"
    )
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(arguments.work or scratch)
        found = (_whole if arguments.whole_runs else _played)(arguments, work)
    _report(arguments, found)


def _config(arguments: argparse.Namespace) -> Any:
    from kft.config import TuneConfig

    return TuneConfig(
        dataset=arguments.dataset,
        backbone=arguments.backbone,
        image_size=arguments.image_size,
        resize=arguments.resize,
        validation_fraction=0.4,
        stages=arguments.stages,
        space=arguments.space or None,
        examples_per_class=arguments.examples_per_class,
        trials=arguments.trials,
        feature_cache="disk",
        export=(),
    )


def _report(arguments: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    print(f"{'':<10}{'validation':>28}{'held out':>28}")
    for name in dict.fromkeys(line["search"] for line in found):
        cells = []
        for figure in ("val_accuracy", "held_out"):
            values = [line[figure] for line in found if line["search"] == name]
            values = [value for value in values if value is not None]
            if values:
                mean = statistics.fmean(values)
                cells.append(f"{mean:.4f} ({min(values):.4f}-{max(values):.4f})")
        print(f"{name:<10}" + "".join(f"{cell:>28}" for cell in cells))
    _keep(arguments, found)


def _keep(arguments: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    if arguments.out:
        figures = {"date": date.today().isoformat(), "flags": vars(arguments)}
        Path(arguments.out).write_text(json.dumps({**figures, "runs": found}, indent=1))


# --- trials that are played --------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Features:
    """What the trunk makes of the examples, and their labels, of three splits."""

    x: Mapping[str, np.ndarray]
    y: Mapping[str, np.ndarray]


def _played(arguments: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    from kft.search import (
        oracles,
        parallel,
        parse_space,
        search_settings,
        tuner,
    )
    from kft.search.trial_records import Record
    from kft.tasks import class_objective

    config = _config(arguments)
    features = _features(config, work)
    own, found = config.train_config(), []
    dimensions = parse_space.parse_space(config.space, own)
    for seed in range(arguments.seeds):
        figures = _head(dataclasses.replace(own, seed=seed), features)
        found.append({"search": "own", "seed": seed, **figures})
        for name in TUNERS:
            searched = dataclasses.replace(config, tuner=name, seed=seed)
            trials: list[dict[str, Any]] = []

            def run_trial(number, values, share, trials=trials, seed=seed):
                run = search_settings.apply(dataclasses.replace(own, seed=seed), values)
                trials.append({**_head(run, features), "values": values})
                validation = {"accuracy": trials[-1]["val_accuracy"]}
                return Record(number, "finished", values, share, validation, {}, 0, 0.0)

            with tempfile.TemporaryDirectory() as folder:
                tuner.search(
                    oracles.build(searched, dimensions, class_objective.ACCURACY),
                    searched,
                    state=Path(folder) / "oracle.json",
                    role=parallel.Role("alone", "alone"),
                    run_trial=run_trial,
                    check=lambda: None,
                )
            best = max(trials, key=lambda t: (t["val_accuracy"], -t["val_loss"]))
            found.append({"search": name, "seed": seed, **best})
    return found


def _features(config: Any, work: Path) -> Features:
    """Return the features that a run of one epoch leaves on disk."""
    from kft import tasks
    from kft.training import fine_tune

    folder = work / "features"
    run = dataclasses.replace(
        config.train_config(),
        stages="head:1@1e-2",
        cache_dir=str(folder),
        run_dir=str(work / "fill"),
    )
    fine_tune.fine_tune(run)
    splits = tasks.load_splits(run)
    (complete,) = folder.glob("*/complete")
    train, validation = (
        np.load(complete.parent / f"{name}-0.npy") for name in ("train", "validation")
    )
    labels = splits.validation.labels
    return Features(
        x={"train": train, "validation": validation[::2], "held_out": validation[1::2]},
        y={"train": splits.train.labels, "validation": labels[::2],
           "held_out": labels[1::2]},
    )  # fmt: skip


def _head(run: Any, features: Features) -> dict[str, float]:
    """Train a head as a stage of kft does; return the figures of its best epoch."""
    from kft.config import stages
    from kft.data import sampling

    (stage,) = stages.parse_stages(run.stages)
    x, y = features.x["train"], features.y["train"]
    classes = int(y.max()) + 1
    steps = stage.epochs * sampling.num_batches(len(x), run.batch_size)
    rate = _schedule(
        stage.learning_rate or run.learning_rate, steps, run.warmup_fraction
    )
    rng = np.random.default_rng(run.seed)
    limit = math.sqrt(6 / (x.shape[1] + classes))
    w = rng.uniform(-limit, limit, (x.shape[1], classes)).astype(np.float32)
    b = np.zeros(classes, np.float32)
    velocity, best, step = [np.zeros_like(w), np.zeros_like(b)], None, 0
    for epoch in range(stage.epochs):
        rows = sampling.epoch_order(len(x), seed=run.seed, epoch=epoch)
        for first in range(0, len(rows), run.batch_size):
            batch = rows[first : first + run.batch_size]
            inputs = x[batch]
            error = _softmax(inputs @ w + b)
            error[np.arange(len(batch)), y[batch]] -= 1
            error /= len(batch)
            now = rate(step)
            w *= 1 - now * run.weight_decay
            gradients = (inputs.T @ error, error.sum(axis=0))
            for value, speed, gradient in zip((w, b), velocity, gradients, strict=True):
                speed *= run.momentum
                speed -= now * gradient
                value += speed
            step += 1
        figures = _figures(features, w, b)
        if best is None or _rank(figures) > _rank(best):
            best = figures
    return best


def _rank(figures: Mapping[str, float]) -> tuple[float, float]:
    return figures["val_accuracy"], -figures["val_loss"]


def _schedule(peak: float, steps: int, warmup_share: float) -> Callable[[int], float]:
    warmup = round(warmup_share * steps)

    def rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / (warmup + 1)
        return peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2

    return rate


def _figures(features: Features, w: np.ndarray, b: np.ndarray) -> dict[str, float]:
    found = {}
    for name, accuracy in ("validation", "val_accuracy"), ("held_out", "held_out"):
        p, y = _softmax(features.x[name] @ w + b), features.y[name]
        found[accuracy] = float((p.argmax(axis=1) == y).mean())
        if name == "validation":
            right = p[np.arange(len(y)), y]
            found["val_loss"] = float(-np.log(np.maximum(right, 1e-12)).mean())
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# --- trials that are whole runs ----------------------------------------------------


def _whole(arguments: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    # Half of what the played trials validate on is a test split here.
    config = dataclasses.replace(
        _config(arguments),
        validation_fraction=0.2,
        test_fraction=0.2,
        cache_dir=str(work / "features"),
    )
    out = Path(arguments.out) if arguments.out else None
    found = _before(out, arguments) if out and out.exists() else []
    for seed in range(arguments.seeds):
        for name in ("own", *TUNERS):
            if any((line["search"], line["seed"]) == (name, seed) for line in found):
                continue
            seeded = dataclasses.replace(config, seed=seed)
            folder = str(work / f"{name}-{seed}")
            started = time.monotonic()
            figures = (
                _own(seeded, folder) if name == "own" else _search(seeded, name, folder)
            )
            seconds = round(time.monotonic() - started)
            found.append({"search": name, "seed": seed, **figures, "seconds": seconds})
            _keep(arguments, found)
    return found


def _before(out: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what an earlier call with the same flags has measured."""
    content = json.loads(out.read_text())
    flags = {name: value for name, value in content["flags"].items() if name != "seeds"}
    own = {name: value for name, value in vars(arguments).items() if name != "seeds"}
    if flags != own:
        raise SystemExit(f"{out} has other flags: {flags}. Choose another --out.")
    return content["runs"]


def _own(config: Any, folder: str) -> dict[str, Any]:
    """Return the figures of a run with the settings as they are."""
    from kft.training import fine_tune

    run = dataclasses.replace(config.train_config(), run_dir=folder)
    result = fine_tune.fine_tune(run)
    return {"val_accuracy": result.val_accuracy, "held_out": result.test_accuracy}


def _search(config: Any, tuner: str, folder: str) -> dict[str, Any]:
    """Return the figures of the best trial of a search."""
    from kft.search import check, search
    from kft.training.monitoring import signals

    searched = dataclasses.replace(config, tuner=tuner, search_dir=folder)
    checked, dimensions = check.check(searched, os.environ)
    outcome = search.run(checked, dimensions, signals=signals.Signals())
    curve, best = [], 0.0
    for record in outcome.records:
        best = max(best, record.validation.get("accuracy", 0.0))
        curve.append(best)
    return {
        "val_accuracy": outcome.best.validation["accuracy"],
        "held_out": outcome.best.test["accuracy"],
        "values": outcome.best.values,
        "best_so_far": curve,
        "epochs": sum(record.epochs for record in outcome.records),
    }


if __name__ == "__main__":
    main()
