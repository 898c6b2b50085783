"""Single-label classification of sounds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kft.backbones.audio import audio_networks
from kft.config import AudioClassificationConfig
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks.audio_classification import audio_network, audio_windows
from kft.tasks.audio_classification.audio_display import AudioDisplay
from kft.tasks.audio_classification.audio_inputs import AudioInputs
from kft.tasks.audio_classification.audio_serving import AudioServing
from kft.tasks.class_objective import ClassObjective
from kft.tasks.task_kind import RecipeChoice


def build(config: AudioClassificationConfig, labels: LabelMap) -> "AudioClassification":
    """Return the task of a run; see `kft.tasks.get`."""
    return AudioClassification(config, labels, audio_windows.of(config))


class AudioClassification:
    """Sounds in, one probability per class out. See `kft.tasks.task.Task`."""

    def __init__(
        self, config: AudioClassificationConfig, labels: LabelMap, windows: Windows
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the classes, in index order.
            windows: what of a sound is read.
        """
        self._config = config
        self._windows = windows
        self.labels = labels
        self.inputs = AudioInputs(config, windows, len(labels))
        self.objective = ClassObjective(labels, label_smoothing=config.label_smoothing)
        self.serving = AudioServing(config, labels, windows)
        network = audio_networks.NETWORKS.get(config.backbone)
        centres = None if network is None else network.centres(windows)
        self.display = AudioDisplay(windows, centres)

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
    return AudioClassification(AudioClassificationConfig(), labels, windows)
