"""Recognition of speech: sounds in, what is said in them out."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kft.backbones.audio import speech_backbone
from kft.backbones.audio.speech_backbone import Kind
from kft.config import SpeechRecognitionConfig
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import task_kind
from kft.tasks.speech_recognition import attention_recogniser, ctc_recogniser
from kft.tasks.speech_recognition.recogniser import Recogniser
from kft.tasks.speech_recognition.speech_display import SpeechDisplay
from kft.tasks.task_kind import RecipeChoice


class _Kind(Protocol):
    """A module with what makes recognisers of a kind."""

    def of_run(
        self, config: SpeechRecognitionConfig, symbols: LabelMap, kept: Path | None
    ) -> Recogniser:
        """Return that of a run; `kept` is None where it keeps nothing yet."""

    def of_export(self, symbols: LabelMap, metadata: Mapping[str, Any]) -> Recogniser:
        """Return that of an export."""

    def kept_files(
        self, config: SpeechRecognitionConfig, splits: Splits
    ) -> Mapping[str, bytes]:
        """Return what a run keeps; see `kft.tasks.task_kind.TaskKind`."""


_KINDS: dict[Kind, _Kind] = {
    "ctc": ctc_recogniser,
    "attention": attention_recogniser,
}


def build(
    config: SpeechRecognitionConfig, labels: LabelMap, run: RunDir | None = None
) -> "SpeechRecognition":
    """Return the task of a run; see `kft.tasks.get`."""
    kept = task_kind.kept_folder(run)
    kind = speech_backbone.of_run(config.backbone, kept).kind
    recogniser = _KINDS[kind].of_run(config, labels, kept)
    return SpeechRecognition(labels, recogniser, weights=config.weights)


def kept_files(config: SpeechRecognitionConfig, splits: Splits) -> Mapping[str, bytes]:
    """Return what a run keeps of its backbone and texts; see `TaskKind`."""
    kind = speech_backbone.get(config.backbone).kind
    return _KINDS[kind].kept_files(config, splits)


def from_export(labels: LabelMap, metadata: Mapping[str, Any]) -> "SpeechRecognition":
    """Return the task of an export, of which only the network cannot be built.

    Args:
        labels: the symbols, in index order.
        metadata: see `SpeechServing.metadata`; without a kind it is of CTC.

    Raises:
        KeyError: where a part of it is missing.
        errors.ConfigError: where a value of it is not legal.
    """
    kind: Kind = metadata.get("kind", "ctc")
    recogniser = _KINDS[kind].of_export(labels, metadata)
    return SpeechRecognition(labels, recogniser, weights="none")


class SpeechRecognition:
    """Sounds in, texts out. See `kft.tasks.task.Task`."""

    def __init__(
        self, labels: LabelMap, recogniser: Recogniser, *, weights: str
    ) -> None:
        """Make the task of a run.

        Args:
            labels: the symbols that the texts of the data are spelled with.
            recogniser: all that depends on the kind of network.
            weights: value of `--weights`.
        """
        self.labels = labels
        self.inputs = recogniser.inputs
        self.objective = recogniser.objective
        self.serving = recogniser.serving
        self.display = SpeechDisplay(labels, recogniser.said)
        self._recogniser = recogniser
        self._weights = weights

    def recipe(self, sample: Sequence[bytes], given: Collection[str]) -> RecipeChoice:
        """Return the rates of the kind of network, with gradients that are clipped."""
        del given
        return RecipeChoice(
            f"{len(sample)} sounds", {"clip_norm": 1.0}, self._recogniser.rates
        )

    def network(self, weights: str | None = None) -> Network:
        """Return the graph from rows of samples to what says a text."""
        return self._recogniser.network(self._weights if weights is None else weights)
