"""Single-label text classification."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from kft.backbones.text import text_backbone
from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import text_tokenizer
from kft.data.text.text_tokenizer import TextTokenizer
from kft.model.network import Network
from kft.tasks.class_objective import ClassObjective
from kft.tasks.task_kind import RecipeChoice
from kft.tasks.text_classification import (
    text_network,
    text_recipe,
    tokenizer_metadata,
)
from kft.tasks.text_classification.text_display import TextDisplay
from kft.tasks.text_classification.text_inputs import TextInputs
from kft.tasks.text_classification.text_serving import TextServing


def build(
    config: TextClassificationConfig, labels: LabelMap, kept: Path | None = None
) -> "TextClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    files = config.backbone if kept is None else str(kept)
    tokenizer = text_tokenizer.read(text_backbone.files(files), f"--backbone={files}")
    return TextClassification(config, labels, tokenizer, files=files)


class TextClassification:
    """Texts in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        labels: LabelMap,
        tokenizer: TextTokenizer,
        *,
        files: str | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            tokenizer: of the network.
            files: folder with the sizes of the network; default that of the backbone.
        """
        self._config = config
        self._files = config.backbone if files is None else files
        self.labels = labels
        self.inputs = TextInputs(tokenizer, max_length=config.max_length)
        self.objective = ClassObjective(labels, label_smoothing=config.label_smoothing)
        self.serving = TextServing(config, labels, tokenizer)
        self.display = TextDisplay(tokenizer)

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
    tokenizer, max_length = tokenizer_metadata.read(metadata)
    return TextClassification(
        TextClassificationConfig(max_length=max_length), labels, tokenizer
    )
