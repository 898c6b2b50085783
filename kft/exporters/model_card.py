"""The model card: export/README.md, for whoever gets the exports and not the run.

Its head is what model hubs read (Hugging Face, "Model Cards": YAML between dashes).
"""

import collections
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kft.config import RunConfig
from kft.data import examples as examples_lib
from kft.exporters import snippets, weights_license
from kft.exporters.serving_graph import ServingModel
from kft.metrics import classification
from kft.run_folder import saved_config
from kft.run_folder.run_dir import RunDir

_SHOWN_CLASSES = 50
_RESIZED = {
    "crop": "the central square with {share:g} of the shorter side",
    "pad": "the whole image, its aspect kept, on black",
    "squash": "the whole image, whatever its aspect",
}


def write(served: ServingModel, certificates: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the card of a run; raises RunDirError where it cannot.

    Args:
        served: what is exported.
        certificates: of the exports, as parity.json has them; those that are not there
            are left out.
    """
    run = served.run.run
    there = {
        name: one
        for name, one in certificates.items()
        if (run.export / one["export"]).exists()
    }
    result = saved_config.read_json(run.result_json)
    counts = _counts(run)
    parts = [
        _head(served, result),
        _task(served),
        _data(served.run.config, counts),
        _recipe(served.run.config, result),
        _figures(served, result, counts, there),
        _preprocessing(served),
        _limits(served, counts),
        weights_license.section(served.run.config),
        _calls(served, there),
    ]
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    run.write_text(run.export / "README.md", text)


def _counts(run: RunDir) -> dict[str, collections.Counter[str]]:
    """Return how many examples of each class a split has, for each split."""
    found: dict[str, collections.Counter[str]] = {}
    with open(run.split_csv, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["split"], collections.Counter())[row["label"]] += 1
    order = [examples_lib.TRAIN, examples_lib.VALIDATION, examples_lib.TEST]
    return {split: found[split] for split in order if split in found}


def _head(served: ServingModel, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the YAML head; JSON strings are YAML strings."""
    config = served.run.config
    license_ = weights_license.of_weights(config)
    yield "---"
    if license_ is not None:
        yield f"license: {license_.lower()}"
    yield "library_name: keras"
    yield "pipeline_tag: image-classification"
    yield f"tags: {json.dumps(['kft', 'keras', config.backbone])}"
    if result["val_accuracy"] is not None:
        name, data = json.dumps(served.run.run.path.name), json.dumps(config.dataset)
        yield "model-index:"
        yield f"- name: {name}"
        yield "  results:"
        yield "  - task: {type: image-classification}"
        yield f"    dataset: {{name: {data}, type: {data}, split: validation}}"
        yield f"    metrics: [{{type: accuracy, value: {result['val_accuracy']:.4f}}}]"
    yield "---"


def _task(served: ServingModel) -> Iterator[str]:
    names = served.run.labels.names
    yield f"# {served.run.run.path.name}"
    yield ""
    yield (
        f"Says which of {len(names)} classes an image shows: "
        f"{served.run.config.backbone}, fine-tuned on {served.run.config.dataset}."
    )
    yield ""
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN_CLASSES else ""
    yield f"Classes: {', '.join(names[:_SHOWN_CLASSES])}{more}. `labels.txt` has them."


def _data(
    config: RunConfig, counts: Mapping[str, collections.Counter[str]]
) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"`--dataset={config.dataset}`"
    yield ""
    yield "| split | examples | smallest class | largest class |"
    yield "|---|---|---|---|"
    for split, classes in counts.items():
        (most, largest), (least, smallest) = (
            classes.most_common()[0],
            classes.most_common()[-1],
        )
        yield (
            f"| {split} | {classes.total():,} | {smallest:,} ({least}) "
            f"| {largest:,} ({most}) |"
        )


def _recipe(config: RunConfig, result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Recipe"
    yield ""
    yield (
        f"{config.backbone} (weights: {config.weights}), {config.optimizer}, "
        f"`--stages={config.stages}`, batches of {config.batch_size}, "
        f"augmentation {config.augment}, seed {config.seed}. The flagfile `flags.cfg` "
        "of the run repeats it."
    )
    yield ""
    yield "| stage | epochs | trained parameters | validation accuracy |"
    yield "|---|---|---|---|"
    for stage in result["stages"]:
        accuracy = stage["val_accuracy"]
        yield (
            f"| {stage['name']} | {stage['epochs']} "
            f"| {stage['trainable_parameters']:,} "
            f"| {'-' if accuracy is None else f'{accuracy:.4f}'} |"
        )


def _figures(
    served: ServingModel,
    result: Mapping[str, Any],
    counts: Mapping[str, collections.Counter[str]],
    certificates: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    yield "## Figures"
    yield ""
    for split, key in (
        (examples_lib.VALIDATION, "val_accuracy"),
        (examples_lib.TEST, "test_accuracy"),
    ):
        if result.get(key) is not None and split in counts:
            yield f"- {split} accuracy {_share(result[key], counts[split].total())}"
    judged = examples_lib.VALIDATION in counts
    if judged:
        yield (
            "- The best weights were chosen by the validation accuracy, which flatters "
            "it."
        )
    else:
        yield "- The weights are those of the last epoch: nothing validated them."
    found = served.calibration
    if found is not None:
        yield (
            f"- Probabilities are calibrated with temperature {found.temperature:.3f}, "
            f"fitted on {found.examples:,} validation examples: expected calibration "
            f"error {found.ece_before:.4f} before, {found.ece_after:.4f} after."
        )
    else:
        yield "- Probabilities are not calibrated: read 0.9 as a score, not as a share."
    yield ""
    images = (
        "validation images"
        if judged
        else "images that it was trained on, which flatter the accuracy"
    )
    yield (
        f"Each export against the network, on the same {images} (`parity.json`; "
        "intervals are 95%, Wilson):"
    )
    yield ""
    yield "| export | images | accuracy | same class | largest difference | MB |"
    yield "|---|---|---|---|---|---|"
    for one in certificates.values():
        yield (
            f"| {one['export']} | {one['examples']:,} "
            f"| {_share(one['accuracy'], one['examples'])} "
            f"| {one['top1_agreement']:.2%} | {one['largest_difference']:.1e} "
            f"| {one['megabytes']:.2f} |"
        )


def _share(share: float, examples: int) -> str:
    """Return a share of examples with its interval."""
    low, high = classification.wilson_interval(round(share * examples), examples)
    return f"{share:.4f} (95%: {low:.4f} to {high:.4f}, {examples:,} examples)"


def _preprocessing(served: ServingModel) -> Iterator[str]:
    facts = served.preprocessing
    size = facts["image_size"]
    resized = _RESIZED[facts["resize"]].format(share=facts["crop_share"])
    yield "## Preprocessing"
    yield ""
    yield (
        f"RGB, 0 to 255, {size} x {size} pixels: {resized}, bilinear with "
        "antialiasing. Scaling is inside every export. The SavedModel also decodes and "
        "resizes: give it the bytes of the file. The others take uint8 pixels; turn "
        "images upright first (EXIF orientation)."
    )


def _limits(
    served: ServingModel, counts: Mapping[str, collections.Counter[str]]
) -> Iterator[str]:
    fewest = counts[examples_lib.TRAIN].most_common()[-1]
    yield "## Limits"
    yield ""
    yield "- It answers with one of its classes whatever the image shows."
    yield (
        "- The figures hold for images like those of the data above, and for no others."
    )
    yield f"- Its rarest class, {fewest[0]}, had {fewest[1]:,} training examples."
    yield f"- Images above {served.preprocessing['max_pixels']:,} pixels are refused."


def _calls(
    served: ServingModel, certificates: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    yield "## How to call it"
    yield ""
    yield "In this folder, with a `image.jpg`:"
    for one in certificates.values():
        name = one["export"].split("/")[0]
        lines: Sequence[str] = snippets.snippet(
            name, one["export"], served.preprocessing
        ).splitlines()
        yield from ["", f"`{one['export']}`", "", "```python", *lines, "```"]
