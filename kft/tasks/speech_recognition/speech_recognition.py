"""Recognition of speech: sounds in, what is said in them out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kft.backbones.audio import speech_backbone
from kft.backbones.audio.speech_backbone import Kind
from kft.config import SpeechRecognitionConfig
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.run_folder.run_dir import RunDir
from kft.tasks import task_kind
from kft.tasks.speech_recognition import attention_recogniser, ctc_recogniser
from kft.tasks.speech_recognition.recogniser import Recogniser
from kft.tasks.speech_recognition.speech_display import SpeechDisplay
from kft.tasks.task_kind import RecipeChoice


class _Builders(NamedTuple):
    """What makes recognisers of a kind.

    Attributes:
        of_run: takes the config of a run, the symbols of its texts, and the folder with
            what it keeps of its backbone, None where there is none yet.
        of_export: takes the symbols and the metadata of an export.
    """

    of_run: Callable[[SpeechRecognitionConfig, LabelMap, Path | None], Recogniser]
    of_export: Callable[[LabelMap, Mapping[str, Any]], Recogniser]


_BUILDERS: dict[Kind, _Builders] = {
    "ctc": _Builders(ctc_recogniser.of_run, ctc_recogniser.of_export),
    "attention": _Builders(attention_recogniser.of_run, attention_recogniser.of_export),
}


def build(
    config: SpeechRecognitionConfig, labels: LabelMap, run: RunDir | None = None
) -> "SpeechRecognition":
    """Return the task of a run; see `kft.tasks.get`."""
    kept = task_kind.kept_folder(run)
    kind = speech_backbone.of_run(config.backbone, kept).kind
    recogniser = _BUILDERS[kind].of_run(config, labels, kept)
    return SpeechRecognition(labels, recogniser, weights=config.weights)


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
    recogniser = _BUILDERS[kind].of_export(labels, metadata)
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
