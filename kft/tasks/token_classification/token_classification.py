"""Tags of words, such as named entities."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kft.backbones.text import text_backbone
from kft.config import TokenClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import text_tokenizer
from kft.data.text.text_tokenizer import TextTokenizer
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks.task_kind import RecipeChoice
from kft.tasks.text_classification import (
    text_checks,
    text_recipe,
    tokenizer_metadata,
)
from kft.tasks.text_classification.text_form import TextForm
from kft.tasks.token_classification import token_network
from kft.tasks.token_classification.tag_objective import TagObjective
from kft.tasks.token_classification.token_display import TokenDisplay
from kft.tasks.token_classification.token_inputs import TokenInputs
from kft.tasks.token_classification.token_serving import TokenServing


def build(
    config: TokenClassificationConfig, labels: LabelMap, run: RunDir | None = None
) -> "TokenClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    files = text_checks.built_from(config, run)
    tokenizer = text_tokenizer.read(text_backbone.files(files), f"--backbone={files}")
    return TokenClassification(config, labels, tokenizer, files=files)


class TokenClassification:
    """Texts in, a tag for each word out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: TokenClassificationConfig,
        labels: LabelMap,
        tokenizer: TextTokenizer,
        *,
        files: str | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the tags, BIO, O first.
            tokenizer: of the network.
            files: folder with the sizes of the network; default that of the backbone.
        """
        self._config = config
        self._files = config.backbone if files is None else files
        self.labels = labels
        self.inputs = TokenInputs(tokenizer, max_length=config.max_length)
        self.objective = TagObjective(labels, label_smoothing=config.label_smoothing)
        self.serving = TokenServing(config, labels, tokenizer)
        self.display = TokenDisplay(TextForm(tokenizer, config.max_length), labels)

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return rates that were measured, which need gradients that are clipped."""
        del given
        return text_recipe.choose(sample, rates=(5e-1, 1e-1))

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from token ids, mask and first tokens to logits of words."""
        return token_network.build(
            dataclasses.replace(self._config, backbone=self._files),
            num_classes=len(self.labels),
            weights=self._config.weights if weights is None else weights,
        )


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> TokenClassification:
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the tags, in index order.
        metadata: see `TokenServing.metadata`.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    tokenizer, max_length = tokenizer_metadata.read(metadata)
    return TokenClassification(
        TokenClassificationConfig(max_length=max_length), labels, tokenizer
    )
