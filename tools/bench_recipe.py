"""A staged recipe in kft, in plain Keras, and the floor under them, in one run.

  python tools/bench_recipe.py --data=PATH_OF_FOLDER_PER_CLASS

MobileNetV2 with ImageNet weights at 224 pixels, 10 epochs of the head, 10 epochs of the
last two blocks. Plain Keras is `fit` on the whole network with frozen layers, compiled
anew for the second stage, on a tf.data pipeline that decodes in every epoch. The floor
is one pass of the trunk over all images and the bare steps of the tails on features
that are ready, in one process; importing TensorFlow is part of all of them. `command`
is `python -m kft.train` as it is typed, with its evaluation, its export that is proved
in a process of its own, and its report; with few images (`--per_class=80`) these count.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

HEAD_EPOCHS = TAIL_EPOCHS = 10
HEAD_RATE, TAIL_RATE = 1e-2, 3e-3
TOP = 2
STAGES = f"head:{HEAD_EPOCHS}@{HEAD_RATE},top{TOP}:{TAIL_EPOCHS}@{TAIL_RATE}"
BATCH, SIZE = 32, 224
CUT = "block_14_add"  # What the last two blocks, 15 and 16, read.


def main() -> None:
    """Run them in processes of their own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--per_class", type=int, default=None, help="default: all")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    parser.add_argument("--part", choices=PARTS, default=None)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments.data)))
        return
    with tempfile.TemporaryDirectory() as folder:
        data = some_images(Path(arguments.data), Path(folder), arguments.per_class)
        _report({name: timed(name, str(data)) for name in PARTS}, arguments.out)


def some_images(data: Path, folder: Path, per_class: int | None) -> Path:
    """Return a folder with the first images of each class, as links."""
    for source in sorted(path for path in data.iterdir() if path.is_dir()):
        (folder / source.name).mkdir()
        for path in sorted(source.iterdir())[:per_class]:
            (folder / source.name / path.name).symlink_to(path.resolve())
    return folder


def _report(found: dict[str, dict[str, float]], out: str | None) -> None:
    kft, command, keras, floor = (found[name]["wall_seconds"] for name in PARTS)
    figures = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        **found,
        "keras_over_kft": round(keras / kft, 2),
        "kft_over_floor": round(kft / floor, 2),
        "keras_over_command": round(keras / command, 2),
        "command_over_floor": round(command / floor, 2),
    }
    for name, values in found.items():
        print(f"{name:<6}", "  ".join(f"{k} {v}" for k, v in values.items()))
    print(f"keras / kft {keras / kft:.2f}   kft / floor {kft / floor:.2f}")
    print(
        f"keras / command {keras / command:.2f}   command / floor {command / floor:.2f}"
    )
    if out:
        Path(out).write_text(json.dumps(figures, indent=1))


def timed(name: str, data: str) -> dict[str, float]:
    """Return the seconds of a part as a process of its own, and its figures."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, f"--part={name}", f"--data={data}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    wall = time.monotonic() - start
    return {
        "wall_seconds": round(wall, 1),
        **json.loads(done.stdout.splitlines()[-1]),
    }


def run_kft(data: str) -> dict[str, float]:
    """Fine-tune with kft; return the best validation accuracy."""
    from kft.config import TrainConfig
    from kft.training.fine_tune import fine_tune
    from kft.training.monitoring.progress import SilentReporter

    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            dataset=f"folder:{data}",
            backbone="MobileNetV2",
            stages=STAGES,
            batch_size=BATCH,
            resize="squash",
            run_dir=f"{folder}/run",
        )
        result = fine_tune(config, reporter=SilentReporter())
    return {"val_accuracy": round(result.val_accuracy, 4)}


def train(data: str, run_dir: str, *, backbone: str = "MobileNetV2") -> None:
    """Run the command as it is typed, on images in a folder for each class."""
    subprocess.run(
        [
            *(sys.executable, "-m", "kft.train", f"--dataset=folder:{data}"),
            *(f"--backbone={backbone}", f"--stages={STAGES}", "--resize=squash"),
            *(f"--batch_size={BATCH}", f"--run_dir={run_dir}"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_command(data: str) -> dict[str, float]:
    """Fine-tune with the command line; return its phases and the accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        train(data, f"{folder}/run")
        result = json.loads(Path(folder, "run", "result.json").read_text())
    phases = {f"{k}_seconds": round(v, 1) for k, v in result["startup_seconds"].items()}
    return {
        **phases,
        "run_seconds": round(result["seconds"], 1),
        "val_accuracy": round(result["val_accuracy"], 4),
    }


def _images(data: str):
    """Return training and validation tf.data sets of kft's own split, in plain form."""
    import tensorflow as tf

    from kft.config import ImageOptions
    from kft.tasks import load_splits

    splits = load_splits(ImageOptions(dataset=f"folder:{data}"))

    def load(row, label):
        payload = splits.train.read(row[None])[0]
        image = tf.io.decode_jpeg(payload, channels=3)
        return tf.image.resize(image, (SIZE, SIZE)), label

    sets = []
    for examples in (splits.train, splits.validation):
        found = tf.data.Dataset.from_tensor_slices((examples.rows, examples.labels))
        if examples is splits.train:
            found = found.shuffle(len(examples), seed=0)
        found = found.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        sets.append(found.batch(BATCH).prefetch(tf.data.AUTOTUNE))
    return sets, len(splits.labels), len(splits.train)


def _network(num_classes: int):
    import keras

    images = keras.Input((SIZE, SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(images)
    base = keras.applications.MobileNetV2(include_top=False, input_tensor=scaled)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooling")(base.output)
    logits = keras.layers.Dense(num_classes)(pooled)
    return keras.Model(images, logits), base


def run_keras(data: str) -> dict[str, float]:
    """Fine-tune as the guides do, with BatchNorm frozen; return the best accuracy."""
    import keras

    (train, validation), classes, n = _images(data)
    model, base = _network(classes)
    best = 0.0
    names = [layer.name for layer in base.layers]
    first = names.index(CUT) + 1
    for epochs, rate, start in (
        (HEAD_EPOCHS, HEAD_RATE, len(names)),
        (TAIL_EPOCHS, TAIL_RATE, first),
    ):
        for rank, layer in enumerate(base.layers):
            norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = rank >= start and not norm
        steps = epochs * -(-n // BATCH)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            steps - steps // 10,
            warmup_target=rate,
            warmup_steps=steps // 10,
        )
        model.compile(
            keras.optimizers.SGD(schedule, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        history = model.fit(
            train,
            validation_data=validation,
            epochs=epochs,
            verbose=0,
            shuffle=False,
        )
        best = max(best, *history.history["val_accuracy"])
    return {"val_accuracy": round(best, 4)}


def run_floor(data: str) -> dict[str, float]:
    """Run the trunk once and the bare steps of both tails; nothing is validated."""
    import keras
    import numpy as np
    import tensorflow as tf

    (train, validation), classes, n = _images(data)
    model, _ = _network(classes)
    cuts = [model.get_layer(CUT).output, model.get_layer("pooling").output]
    trunk = keras.Model(model.inputs, cuts)
    forward = tf.function(lambda x: trunk([x], training=False))
    start = time.monotonic()
    features, labels = [[], []], []
    for images, y in train.concatenate(validation):
        for store, tensor in zip(features, forward(images), strict=True):
            store.append(tensor.numpy())
        labels.append(y.numpy())
    trunk_seconds = time.monotonic() - start
    seconds = {"trunk_seconds": round(trunk_seconds, 1)}
    y = np.concatenate(labels)[:n]
    for name, store, cut in zip(("tail", "head"), features, cuts, strict=True):
        tail = keras.Model(cut, model.output)
        for layer in model.layers:
            norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = not norm
        seconds[f"{name}_seconds"] = _bare_steps(tail, np.concatenate(store)[:n], y)
    return seconds


def _bare_steps(tail, x, y) -> float:
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(1e-4, momentum=0.9)
    optimizer.build(tail.trainable_variables)
    x, y = tf.constant(x), tf.constant(y)

    @tf.function
    def epoch(order):
        for i in tf.range(tf.shape(order)[0] // BATCH):
            rows = order[i * BATCH : (i + 1) * BATCH]
            with tf.GradientTape() as tape:
                logits = tail([tf.gather(x, rows)], training=True)
                loss = tf.reduce_mean(
                    keras.losses.sparse_categorical_crossentropy(
                        tf.gather(y, rows), logits, from_logits=True
                    )
                )
            gradients = tape.gradient(loss, [v.value for v in tail.trainable_variables])
            optimizer.apply(gradients, tail.trainable_variables)

    start = time.monotonic()
    for _ in range(HEAD_EPOCHS):
        epoch(tf.random.shuffle(tf.range(len(y))))
    return round(time.monotonic() - start, 1)


PARTS = {"kft": run_kft, "command": run_command, "keras": run_keras, "floor": run_floor}

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
