"""Text classification."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from kft.backbones.text import text_backbone, transformer_config
from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import text_tokenizer
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import class_labels
from kft.tasks.task_kind import RecipeChoice
from kft.tasks.text_classification import (
    text_checks,
    text_form,
    text_network,
    text_recipe,
)
from kft.tasks.text_classification.text_display import TextDisplay
from kft.tasks.text_classification.text_form import TextForm
from kft.tasks.text_classification.text_inputs import TextInputs
from kft.tasks.text_classification.text_serving import TextServing


def build(
    config: TextClassificationConfig, labels: LabelMap, run: RunDir | None = None
) -> "TextClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    files = text_checks.built_from(config, run)
    tokenizer = text_tokenizer.read(text_backbone.files(files), f"--backbone={files}")
    form = TextForm(
        tokenizer,
        config.max_length,
        pairs=config.pairs,
        has_types=config.pairs and transformer_config.read(files).tells_texts_apart,
    )
    return TextClassification(
        config,
        labels,
        form,
        files=files,
        thresholds=class_labels.kept(config, labels, run),
    )


class TextClassification:
    """Texts in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        labels: LabelMap,
        form: TextForm,
        *,
        files: str | None = None,
        thresholds: np.ndarray | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            form: in which the network reads texts.
            files: folder with the sizes of the network; default that of the backbone.
            thresholds: see `class_labels.of`.
        """
        self._config = config
        self._files = config.backbone if files is None else files
        self.labels = labels
        self.inputs = TextInputs(form)
        self.objective, answers = class_labels.of(
            config, labels, thresholds, smoothing=config.label_smoothing
        )
        self.serving = TextServing(config, answers, form)
        self.display = TextDisplay(form, answers)

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return rates that were measured, which need gradients that are clipped."""
        del given
        return text_recipe.choose(sample, rates=(1e-2, 5e-2))

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from token ids and mask [batch, tokens] to logits."""
        return text_network.build(
            dataclasses.replace(self._config, backbone=self._files),
            num_classes=len(self.labels),
            weights=self._config.weights if weights is None else weights,
        )


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> TextClassification:
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the classes, in index order.
        metadata: see `TextServing.metadata`.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    form = text_form.read(metadata)
    thresholds = class_labels.of_export(metadata)
    config = TextClassificationConfig(
        max_length=form.max_length,
        pairs=form.pairs,
        multi_label=thresholds is not None,
    )
    return TextClassification(config, labels, form, thresholds=thresholds)
