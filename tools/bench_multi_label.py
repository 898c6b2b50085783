"""Several classes per image beside one, on pairs made of the same photographs.

  python tools/bench_multi_label.py --data=PATH_OF_FOLDER_PER_CLASS

Two photographs side by side are an image of the classes of both: as many pairs as there
are photographs, each of which comes twice, with one that is drawn; training ones and
validation ones stay apart. The same network, stages and batches learn the photographs
(one class each) and the pairs (`--multi_label`), and the pairs once more with the rates
divided by the number of classes: with SGD that is what the mean of the cross entropies
would do in place of their sum.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from kft import TrainConfig, fine_tune, load

BATCH, SIDE = 32, 224
STAGES = "head:10@{head:g},top2:5@{tail:g}"
HEAD_RATE, TAIL_RATE = 1e-2, 3e-3
# One in so many of each class validates.
VALIDATION = 5


def main() -> None:
    """Train three times and print what each is worth on validation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--per_class", type=int, default=None, help="default: all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        photographs = list(_photographs(Path(arguments.data), arguments.per_class))
        _write(out / "photographs.csv", photographs)
        _write(out / "pairs.csv", _pairs(photographs, out))
        print(f"{len(photographs)} photographs, as many pairs")
        classes = len({label for _, label, _ in photographs})
        for name, factor in (("photographs", 1), ("pairs", 1), ("pairs", classes)):
            _train(out, name, factor)


def _photographs(data: Path, per_class: int | None) -> Iterator[tuple[str, str, str]]:
    """Yield path, label and split of the first photographs of each class."""
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        for number, path in enumerate(sorted(folder.iterdir())[:per_class]):
            split = "train" if number % VALIDATION else "validation"
            yield str(path.resolve()), folder.name, split


def _pairs(
    photographs: list[tuple[str, str, str]], folder: Path
) -> Iterator[tuple[str, str, str]]:
    """Write pairs of the photographs of each split; yield path, labels and split."""
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        own = [one for one in photographs if one[2] == split]
        for number, other in enumerate(rng.permutation(len(own))):
            left, right = own[number], own[other]
            path = folder / f"{split}-{number:05d}.jpg"
            wide = Image.new("RGB", (2 * SIDE, SIDE))
            for place, (name, _, _) in enumerate((left, right)):
                with Image.open(name) as image:
                    wide.paste(image.resize((SIDE, SIDE)), (place * SIDE, 0))
            wide.save(path, quality=95)
            yield str(path), "|".join(sorted({left[1], right[1]})), split


def _write(path: Path, rows: Iterator[tuple[str, str, str]] | list) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "split"))
        table.writerows(rows)


def _train(folder: Path, name: str, factor: int) -> None:
    """Train on a table with the rates divided by a factor, and print the figures."""
    run_dir = folder / f"{name}-{factor}"
    result = fine_tune(
        TrainConfig(
            dataset=f"csv:{folder / name}.csv",
            multi_label=name == "pairs",
            # A pair is twice as wide as high: all of it, not the middle.
            resize="pad" if name == "pairs" else "crop",
            backbone="MobileNetV2",
            image_size=SIDE,
            stages=STAGES.format(head=HEAD_RATE / factor, tail=TAIL_RATE / factor),
            batch_size=BATCH,
            export=(),
            report=False,
            run_dir=str(run_dir),
        )
    )
    figures = load(run_dir).evaluate().figures.to_json()
    shown = ("accuracy", "mean_average_precision", "micro_f1", "served_micro_f1")
    shown += ("served_macro_f1", "exact_match")
    texts = [f"{key} {figures[key]:.4f}" for key in shown if key in figures]
    print(f"{name}, rates / {factor}: {', '.join(texts)}; {result.seconds:.1f} s")


if __name__ == "__main__":
    main()
