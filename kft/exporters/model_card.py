"""The model card: export/README.md, for whoever gets the exports and not the run.

Its head is what model hubs read (Hugging Face, "Model Cards": YAML between dashes).
"""

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kft import exporters
from kft.config import RunConfig
from kft.data import examples as examples_lib
from kft.exporters import markdown
from kft.exporters.parity import MADE_UP
from kft.exporters.serving_model import ServingModel
from kft.metrics import classification
from kft.metrics.calibration import Calibration
from kft.run_folder import split_csv
from kft.run_folder.run_dir import RunDir
from kft.run_folder.run_result import RunResult
from kft.tasks.metric import Metric
from kft.tasks.serving_texts import CardText

_SHOWN_CLASSES = 50


@dataclasses.dataclass(frozen=True)
class _Facts:
    """What the parts of a card are made of.

    Attributes:
        served: what is exported.
        text: what depends on the kind of data.
        result: of the run.
        counts: examples of each class, for each split.
        certificates: of the exports that are there, as parity.json has them.
    """

    served: ServingModel
    text: CardText
    result: RunResult
    counts: Mapping[str, collections.Counter[str]]
    certificates: Mapping[str, Mapping[str, Any]]

    @property
    def config(self) -> RunConfig:
        return self.served.run.config

    @property
    def metric(self) -> Metric:
        """Return the figure that chose the weights."""
        return self.served.run.task.objective.monitor

    @property
    def is_one_class(self) -> bool:
        """Return whether the label of an example is one class."""
        return not self.served.run.other_labels


def write(served: ServingModel, certificates: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the card of a run; raises RunDirError where it cannot.

    Args:
        served: what is exported.
        certificates: of the exports, as parity.json has them; those that are not there
            are left out.
    """
    run = served.run.run
    facts = _Facts(
        served,
        text=served.run.task.serving.card(),
        result=RunResult.read(run),
        counts=_counts(run),
        certificates={
            name: one
            for name, one in certificates.items()
            if (run.export / one["export"]).exists()
        },
    )
    parts = [
        _head(facts),
        _task(facts),
        _data(facts),
        _recipe(facts),
        _figures(facts),
        _section("Preprocessing", [facts.text.preprocessing]),
        _section("Limits", _limits(facts)),
        _section("Licence", facts.text.terms),
        _calls(facts),
    ]
    lines = ["\n".join(part) for part in parts]
    run.write_text(run.export / "README.md", "\n\n".join(filter(None, lines)) + "\n")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    """Return a part of the card; nothing where there is nothing to say."""
    lines = [line for line in lines if line]
    return [f"## {title}", "", *lines] if lines else []


def _counts(run: RunDir) -> dict[str, collections.Counter[str]]:
    """Return how many examples of each class a split has, for each split."""
    found: dict[str, collections.Counter[str]] = {}
    for row in split_csv.read(run):
        found.setdefault(row.split, collections.Counter())[row.label] += 1
    order = [examples_lib.TRAIN, examples_lib.VALIDATION, examples_lib.TEST]
    return {split: found[split] for split in order if split in found}


def _head(facts: _Facts) -> Iterator[str]:
    """Yield the YAML head; JSON strings are YAML strings."""
    tag = facts.text.pipeline_tag
    yield "---"
    if facts.text.license is not None:
        yield f"license: {facts.text.license.lower()}"
    yield "library_name: keras"
    if tag is not None:
        yield f"pipeline_tag: {tag}"
    yield f"tags: {json.dumps(['kft', 'keras', facts.config.backbone])}"
    value = facts.result.validation.get(facts.metric.name)
    if value is not None and tag is not None:
        name = json.dumps(facts.served.run.run.path.resolve().name)
        data = json.dumps(facts.config.dataset)
        yield "model-index:"
        yield f"- name: {name}"
        yield "  results:"
        yield f"  - task: {{type: {tag}}}"
        yield f"    dataset: {{name: {data}, type: {data}, split: validation}}"
        yield f"    metrics: [{{type: {facts.metric.name}, value: {value:.4f}}}]"
    yield "---"


def _task(facts: _Facts) -> Iterator[str]:
    names = facts.served.run.labels.names
    yield f"# {markdown.text(facts.served.run.run.path.resolve().name)}"
    yield ""
    yield (
        f"{facts.text.purpose}: {markdown.text(facts.config.backbone)}, fine-tuned on "
        f"{markdown.text(facts.config.dataset)}."
    )
    yield ""
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN_CLASSES else ""
    shown = ", ".join(map(markdown.text, names[:_SHOWN_CLASSES]))
    yield f"Classes: {shown}{more}. `labels.txt` has them."


def _data(facts: _Facts) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield markdown.code(f"--dataset={facts.config.dataset}")
    yield ""
    if not facts.is_one_class:
        yield "| split | examples |"
        yield "|---|---|"
        for split, classes in facts.counts.items():
            yield f"| {split} | {classes.total():,} |"
        return
    yield "| split | examples | smallest class | largest class |"
    yield "|---|---|---|---|"
    for split, classes in facts.counts.items():
        (most, largest), (least, smallest) = (
            classes.most_common()[0],
            classes.most_common()[-1],
        )
        yield (
            f"| {split} | {classes.total():,} | {smallest:,} ({markdown.text(least)}) "
            f"| {largest:,} ({markdown.text(most)}) |"
        )


def _recipe(facts: _Facts) -> Iterator[str]:
    config = facts.config
    yield "## Recipe"
    yield ""
    parts = [
        f"{markdown.text(config.backbone)} "
        f"(weights: {markdown.text(config.weights_origin)}), "
        f"{config.optimizer}",
        markdown.code(f"--stages={config.stages}"),
        f"batches of {config.batch_size}",
        facts.text.recipe,
        f"taught by {markdown.text(config.teaching)}" if config.teaching else "",
        f"seed {config.seed}",
    ]
    yield (
        f"{', '.join(filter(None, parts))}. The flagfile `flags.cfg` of the run "
        "repeats it."
    )
    yield ""
    name = facts.metric.name
    yield f"| stage | epochs | trained parameters | validation {name} |"
    yield "|---|---|---|---|"
    for stage in facts.result.stages:
        value = stage.validation.get(name)
        yield (
            f"| {markdown.text(stage.name)} | {stage.epochs} "
            f"| {stage.trainable_parameters:,} "
            f"| {'-' if value is None else format(value, facts.metric.format)} |"
        )


def _figures(facts: _Facts) -> Iterator[str]:
    name = facts.metric.name
    yield "## Figures"
    yield ""
    judging = (
        (examples_lib.VALIDATION, facts.result.validation),
        (examples_lib.TEST, facts.result.test),
    )
    for split, figures in judging:
        value = figures.get(name)
        if value is not None and split in facts.counts:
            is_share = name == "accuracy" and facts.is_one_class
            count = facts.counts[split].total()
            shown = _share(value, count) if is_share else f"{value:.4f}"
            yield f"- {split} {name} {shown}"
    is_judged = examples_lib.VALIDATION in facts.counts
    if is_judged:
        yield (
            f"- The best weights were chosen by the validation {name}, which flatters "
            "it."
        )
    else:
        yield "- The weights are those of the last epoch: nothing validated them."
    yield from _views(facts)
    yield from _calibration(facts.served.calibration)
    yield ""
    yield from _asked(facts, is_judged=is_judged)
    examples = facts.text.examples
    yield ""
    yield f"| export | {examples} | accuracy | same class | largest difference | MB |"
    yield "|---|---|---|---|---|---|"
    for one in facts.certificates.values():
        accuracy = one["accuracy"]
        share = "-" if accuracy is None else _share(accuracy, one["examples"])
        difference = one["largest_difference"]
        shown = "-" if difference is None else f"{difference:.1e}"
        yield (
            f"| {one['export']} | {one['examples']:,} "
            f"| {share} "
            f"| {one['top1_agreement']:.2%} | {shown} "
            f"| {one['megabytes']:.2f} |"
        )


def _asked(facts: _Facts, *, is_judged: bool) -> Iterator[str]:
    """Yield what exports and the network were asked, to be compared."""
    examples = facts.text.examples
    made_up = [
        f"`{one['export']}`"
        for one in facts.certificates.values()
        if one.get("examples_from") == MADE_UP
    ]
    measured = (
        f"validation {examples}"
        if is_judged
        else f"{examples} that it was trained on, which flatter the accuracy"
    )
    yield (
        f"Each export against the network, on the same {measured} (`parity.json`; "
        "intervals are 95%, Wilson):"
    )
    if made_up:
        yield ""
        yield (
            f"The data was not there when these were made: {', '.join(made_up)}. The "
            f"{examples} that they were asked are made up; nothing is said of their "
            "accuracy."
        )


def _views(facts: _Facts) -> Iterator[str]:
    for one in facts.certificates.values():
        if one.get("tta") is not None:
            yield (
                f"- `{one['export']}` answers with the mean of the probabilities "
                f"over views of each example (`--tta={one['tta']}`). What is said of "
                "validation and test here is without views."
            )


def _calibration(found: Calibration | None) -> Iterator[str]:
    if found is not None:
        yield (
            f"- Probabilities are calibrated with temperature {found.temperature:.3f}, "
            f"fitted on {found.examples:,} validation examples: expected calibration "
            f"error {found.ece_before:.4f} before, {found.ece_after:.4f} after."
        )
    else:
        yield "- Probabilities are not calibrated: read 0.9 as a score, not as a share."


def _share(share: float, examples: int) -> str:
    """Return a share of examples with its interval."""
    low, high = classification.wilson_interval(round(share * examples), examples)
    return f"{share:.4f} (95%: {low:.4f} to {high:.4f}, {examples:,} examples)"


def _limits(facts: _Facts) -> Iterator[str]:
    yield from (f"- {limit}" for limit in facts.text.limits)
    yield (
        f"- The figures hold for {facts.text.examples} like those of the data above, "
        "and for no others."
    )
    if facts.is_one_class and examples_lib.TRAIN in facts.counts:
        fewest = facts.counts[examples_lib.TRAIN].most_common()[-1]
        rarest = markdown.text(fewest[0])
        yield f"- Its rarest class, {rarest}, had {fewest[1]:,} training examples."
    yield from (f"- {sentence}" for sentence in facts.text.refuses)


def _calls(facts: _Facts) -> Iterator[str]:
    code = facts.text.code
    if code is None:
        return
    yield "## How to call it"
    yield ""
    yield f"In this folder, with a `{code.file}`:"
    for one in facts.certificates.values():
        exporter = exporters.EXPORTERS[one["export"].split("/")[0]]
        lines = exporter.format.snippet(one["export"], code)
        yield from ["", f"`{one['export']}`", "", "```python", *lines, "```"]
