"""Recognition of speech: sounds in, what is said in them out."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from kft.config import SpeechRecognitionConfig
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import task_kind
from kft.tasks.speech_recognition import speech_inputs, speech_network, text_decoder
from kft.tasks.speech_recognition.ctc_objective import CtcObjective
from kft.tasks.speech_recognition.speech_display import SpeechDisplay
from kft.tasks.speech_recognition.speech_inputs import SpeechInputs
from kft.tasks.speech_recognition.speech_serving import SpeechServing
from kft.tasks.task_kind import RecipeChoice


def build(
    config: SpeechRecognitionConfig, labels: LabelMap, run: RunDir | None = None
) -> "SpeechRecognition":
    """Return the task of a run; see `kft.tasks.get`."""
    return SpeechRecognition(config, labels, task_kind.kept_folder(run))


class SpeechRecognition:
    """Sounds in, texts out. See `kft.tasks.task.Task`."""

    def __init__(
        self,
        config: SpeechRecognitionConfig,
        labels: LabelMap,
        kept: Path | None = None,
    ) -> None:
        """Make the task of a run.

        Args:
            config: of the run.
            labels: the symbols that texts are spelled with, without the blank of CTC.
            kept: folder with what the run keeps of its backbone; None where there is
                none yet.
        """
        self._config = config
        self._kept = kept
        self.labels = labels
        self.inputs = SpeechInputs(config)
        decoder = text_decoder.of(config, labels, kept)
        self.objective = CtcObjective(labels, decoder)
        utterances = speech_inputs.of(config)
        self.serving = SpeechServing(config, labels, utterances, decoder)
        self.display = SpeechDisplay(labels, decoder)

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return rates that were measured, which need gradients that are clipped."""
        del given
        return RecipeChoice(f"{len(sample)} sounds", {"clip_norm": 1.0}, (1e-1, 3e-2))

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from rows of samples to logits of symbols."""
        return speech_network.build(
            self._config,
            symbols=self.labels,
            kept=self._kept,
            weights=self._config.weights if weights is None else weights,
        )


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> SpeechRecognition:
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the symbols, in index order.
        metadata: see `SpeechServing.metadata`.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    config = SpeechRecognitionConfig(seconds=metadata["seconds"])
    return SpeechRecognition(config, labels)
