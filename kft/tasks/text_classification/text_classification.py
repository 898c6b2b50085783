"""Single-label text classification."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from kft.backbones.text import text_backbone, transformer_config
from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import text_tokenizer
from kft.model.network import Network
from kft.tasks.class_objective import ClassObjective
from kft.tasks.task_kind import RecipeChoice
from kft.tasks.text_classification import text_form, text_network, text_recipe
from kft.tasks.text_classification.text_display import TextDisplay
from kft.tasks.text_classification.text_form import TextForm
from kft.tasks.text_classification.text_inputs import TextInputs
from kft.tasks.text_classification.text_serving import TextServing


def build(
    config: TextClassificationConfig, labels: LabelMap, kept: Path | None = None
) -> "TextClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    files = config.backbone if kept is None else str(kept)
    tokenizer = text_tokenizer.read(text_backbone.files(files), f"--backbone={files}")
    form = TextForm(
        tokenizer,
        config.max_length,
        pairs=config.pairs,
        has_types=config.pairs and transformer_config.read(files).tells_texts_apart,
    )
    return TextClassification(config, labels, form, files=files)


class TextClassification:
    """Texts in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        labels: LabelMap,
        form: TextForm,
        *,
        files: str | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            form: in which the network reads texts.
            files: folder with the sizes of the network; default that of the backbone.
        """
        self._config = config
        self._files = config.backbone if files is None else files
        self.labels = labels
        self.inputs = TextInputs(form)
        self.objective = ClassObjective(labels, label_smoothing=config.label_smoothing)
        self.serving = TextServing(config, labels, form)
        self.display = TextDisplay(form)

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
    config = TextClassificationConfig(max_length=form.max_length, pairs=form.pairs)
    return TextClassification(config, labels, form)
