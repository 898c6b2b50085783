"""Classification of sounds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from kft.backbones.audio import audio_networks
from kft.config import AudioClassificationConfig
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import class_labels
from kft.tasks.audio_classification import audio_network, audio_windows
from kft.tasks.audio_classification.audio_display import AudioDisplay
from kft.tasks.audio_classification.audio_inputs import AudioInputs
from kft.tasks.audio_classification.audio_serving import AudioServing
from kft.tasks.task_kind import RecipeChoice


def build(
    config: AudioClassificationConfig, labels: LabelMap, run: RunDir | None = None
) -> "AudioClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    windows = audio_windows.of(config)
    thresholds = class_labels.kept(config, labels, run)
    return AudioClassification(config, labels, windows, thresholds)


class AudioClassification:
    """Sounds in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: AudioClassificationConfig,
        labels: LabelMap,
        windows: Windows,
        thresholds: np.ndarray | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            windows: what of a sound is read.
            thresholds: see `class_labels.of`.
        """
        self._config = config
        self._windows = windows
        self.labels = labels
        self.inputs = AudioInputs(config, windows, len(labels))
        self.objective, answers = class_labels.of(
            config, labels, thresholds, smoothing=config.label_smoothing
        )
        self.serving = AudioServing(config, answers, windows)
        network = audio_networks.NETWORKS.get(config.backbone)
        centres = None if network is None else network.centres(windows)
        self.display = AudioDisplay(windows, centres, answers)

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return that nothing but what all tasks share is chosen for sounds."""
        del sample, given
        return RecipeChoice(f"sounds of {self._windows.seconds:g} s", {})

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from samples [batch, samples] to logits."""
        return audio_network.build(
            self._config,
            windows=self._windows,
            num_classes=len(self.labels),
            weights=self._config.weights if weights is None else weights,
        )


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> AudioClassification:
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the classes, in index order.
        metadata: see `AudioServing.metadata`.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    windows = Windows(
        sample_rate=metadata["sample_rate"],
        seconds=metadata["seconds"],
        count=metadata["windows"],
        margin=metadata["margin"],
    )
    thresholds = class_labels.of_export(metadata)
    config = AudioClassificationConfig(multi_label=thresholds is not None)
    return AudioClassification(config, labels, windows, thresholds)
