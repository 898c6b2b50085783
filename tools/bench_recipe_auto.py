"""`--recipe=auto` against the head alone, on a few images of each class.

  python tools/bench_recipe_auto.py --data=PATH_OF_FOLDER_PER_CLASS --out=recipe.json

For each network, number of images per class and seed: one run of the recipe, and one
of the head alone, at the recipe's rate for as many epochs as the recipe has in all,
without augmentation. A quarter of the images is the test split.
Validation (6%, as small as it is where data is scarce) chooses the weights, so only the
test split can tell which is better. What --out has already is not run again.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD, AUTO = "head alone", "auto"


def main() -> None:
    """Run what is missing, smallest first, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, help="JSON file, written run by run")
    parser.add_argument("--backbones", default="MobileNetV2,EfficientNetLite0")
    parser.add_argument("--per_class", default="20,100,400")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--image_size", type=int, default=None, help="default: 224")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    done = json.loads(out.read_text()) if out.exists() else []
    others = {record["data"] for record in done} - {arguments.data}
    if others:
        raise SystemExit(f"{out} is about {others}: choose another --out.")
    for cell in _cells(arguments):
        if not any(cell.items() <= record.items() for record in done):
            done.append(cell | _run(cell))
            out.write_text(json.dumps(done, indent=1))
            print(done[-1], flush=True)
    print("\n".join(_table(done)))


def _cells(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for number in map(int, arguments.per_class.split(",")):
        for seed in range(arguments.seeds):
            for backbone in arguments.backbones.split(","):
                for how in (HEAD, AUTO):
                    yield {
                        "data": arguments.data,
                        "backbone": backbone,
                        "image_size": arguments.image_size,
                        "per_class": number,
                        "seed": seed,
                        "how": how,
                    }


def _run(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of one run."""
    import dataclasses

    from kft.config import TrainConfig, stages
    from kft.training.auto import apply_recipe, recipe
    from kft.training.fine_tune import fine_tune
    from kft.training.monitoring.progress import SilentReporter

    config = TrainConfig(
        dataset=f"folder:{cell['data']}",
        validation_fraction=0.06,
        test_fraction=0.25,
        examples_per_class=cell["per_class"],
        backbone=cell["backbone"],
        image_size=cell["image_size"],
        seed=cell["seed"],
        recipe="auto",
        export=(),
    )
    given = recipe.differing(config)
    chosen = recipe.apply(config, apply_recipe.look(config, given), given=given)
    if cell["how"] == HEAD:
        head, body = stages.parse_stages(chosen.stages)
        head = dataclasses.replace(head, epochs=head.epochs + body.epochs)
        chosen = dataclasses.replace(
            chosen,
            stages=stages.format_stages([head]),
            augment="none",
            cached_views=None,
        )
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = fine_tune(
            dataclasses.replace(chosen, run_dir=f"{folder}/run"),
            reporter=SilentReporter(),
        )
    return {
        "test_accuracy": round(result.test_accuracy, 4),
        "val_accuracy": round(result.val_accuracy, 4),
        "seconds": round(time.monotonic() - start, 1),
        "flags": " ".join(recipe.as_flags(chosen, given=given)),
    }


def _table(done: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a row for each network and number of images, as Markdown."""
    yield "| backbone | pixels | images per class | head alone | auto | seeds |"
    yield "|---|---|---|---|---|---|"
    keys = ("backbone", "image_size", "per_class")
    for key in sorted({tuple(record[k] for k in keys) for record in done}, key=str):
        found = {
            how: [
                record["test_accuracy"]
                for record in done
                if tuple(record[k] for k in keys) == key and record["how"] == how
            ]
            for how in (HEAD, AUTO)
        }
        texts = [_range(found[how]) for how in (HEAD, AUTO)]
        seeds = min(map(len, found.values()))
        row = [key[0], key[1] or 224, key[2], *texts, seeds]
        yield f"| {' | '.join(map(str, row))} |"


def _range(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.mean(values):.3f} ({min(values):.3f}..{max(values):.3f})"


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
