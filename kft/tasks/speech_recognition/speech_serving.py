"""The part of recognised speech that leaves a run, however texts are spelled."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.backbones.audio import speech_backbone, speech_weights
from kft.config import SpeechRecognitionConfig
from kft.data.audio import (
    alphabet,
    inline_sounds,
    made_up_sounds,
    sound_files,
    transcripts,
    utterances_in_graph,
)
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.utterances import Utterances
from kft.tasks import decode_requests, weights_terms
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint, ServedNetwork

Inputs = dict[str, tf.Tensor]
_REQUEST_SECONDS = 0.5
# Of the made up sounds by which an export may be checked.
_MADE_UP_SECONDS = 4.0


class SpeechServing(ABC):
    """Texts of what is said. See `kft.tasks.task.Serving`.

    What the outputs of a network mean is said by the classes below this one.
    """

    def __init__(self, config: SpeechRecognitionConfig, utterances: Utterances) -> None:
        """Serve sounds.

        Args:
            config: what the model card says.
            utterances: how sounds are read.
        """
        self._config = config
        self._utterances = utterances

    @property
    def activation(self) -> None:
        """Return none: the scores of steps that only fill up a batch are zeros."""
        return None

    @property
    @abstractmethod
    def scores(self) -> str:
        """Return the output that has the scores."""

    @abstractmethod
    def network_scores(
        self,
        outputs: np.ndarray,
        inputs: Mapping[str, np.ndarray],
        *,
        temperature: float,
    ) -> np.ndarray:
        """Return the output `scores` of a batch, by NumPy alone."""

    @abstractmethod
    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return `text`, what is said."""

    @abstractmethod
    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of answers that are the same, in [0, 1]."""

    @abstractmethod
    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for WAV files and for rows of samples."""

    @abstractmethod
    def _preprocessing(self) -> str:
        """Return how a sound becomes a text, for the model card."""

    @abstractmethod
    def _limits(self) -> Sequence[str]:
        """Return what it does not do, for the model card."""

    @property
    def file_endings(self) -> Sequence[str]:
        """Return those of the formats that can be decoded."""
        return AUDIO.file_endings

    @property
    def file_reader(self) -> Callable[[str], bytes]:
        """Return what reads no more of a file than shows that it is too long."""
        longest = transcripts.reading(
            self._utterances.seconds, self._utterances.sample_rate
        )
        return functools.partial(sound_files.read, windows=longest)

    @property
    def request_columns(self) -> Sequence[str]:
        """Return none: a sound is no text."""
        return ()

    @property
    def answer_fields(self) -> Mapping[str, Sequence[str]]:
        """Return the key of an answer."""
        return {"text": ()}

    def companions(self) -> dict[str, bytes]:
        """Return nothing: an array of samples is cut into rows."""
        return {}

    def encode(self, value: np.ndarray) -> bytes:
        """Return samples, float [n] at the rate that is read, as 16 bits of a WAV."""
        return inline_sounds.encode(value, self._utterances.sample_rate)

    def made_up(self, count: int) -> list[bytes]:
        """Return WAV files of tones in noise, up to the longest that is read."""
        return made_up_sounds.make(
            count,
            rates=utterances_in_graph.rates(self._utterances),
            seconds=min(self._utterances.seconds, _MADE_UP_SECONDS),
        )

    def metadata(self) -> dict[str, Any]:
        """Return how an encoded sound becomes rows: `seconds` of the longest."""
        return {"seconds": self._utterances.seconds}

    def card(self) -> CardText:
        """Return what the model card says of recognised speech."""
        utterances = self._utterances
        rule = alphabet.RULES[self._config.normalize]
        return CardText(
            what="speech recogniser",
            purpose="Writes down what is said in a sound",
            examples="sounds",
            recipe=f"normalization {self._config.normalize}",
            preprocessing=(
                f"One channel (the mean of all), {utterances.sample_rate} samples per "
                f"second in [-1, 1], up to {utterances.seconds:g} seconds, in "
                "rows of 20 ms. The SavedModel takes WAV files of any usual rate, does "
                f"all that, and answers with the text. {self._preprocessing()} "
                f"Texts are {rule}."
            ),
            limits=(
                "It writes something down whatever language there is to hear.",
                *self._limits(),
            ),
            refuses=("Files that are no WAV, have no samples or are too long.",),
            pipeline_tag="automatic-speech-recognition",
            license=_license(self._config),
            terms=weights_terms.lines(_terms(self._config), examples="sounds"),
        )

    def page(self) -> PageText:
        """Return what the demo says of recognised speech."""
        return PageText(
            title="What is said?",
            prompt="Drop sounds here, or choose files",
            accept="audio/*",
            record_prompt="Record with the microphone",
        )

    def _of_files(
        self,
        inputs_of: Callable[[tf.Tensor], Inputs],
        blank: Inputs,
        answer: Callable[[Inputs, tf.Tensor], dict[str, tf.Tensor]],
    ) -> Endpoint:
        """Return the endpoint that takes WAV files.

        Args:
            inputs_of: from the rows of a sound, float32 [rows, 320], to what the
                network reads of it.
            blank: that of a file that cannot be read.
            answer: from that of all files, and which could be read, bool [n], to
                outputs.
        """

        def read(payload: tf.Tensor) -> Inputs:
            return inputs_of(utterances_in_graph.read(payload, self._utterances))

        def answer_files(wav_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs, valid = decode_requests.decode_all(wav_bytes, read, blank)
            return {**answer(inputs, valid), "valid": valid}

        silence = inline_sounds.wav(self._silence(), self._utterances.sample_rate)
        return Endpoint(
            answer_files,
            signature={"wav_bytes": tf.TensorSpec([None], tf.string)},
            request={"wav_bytes": np.array([silence], object)},
        )

    def _silence(self) -> np.ndarray:
        """Return samples, float32 [n], as what can be asked."""
        rate = self._utterances.sample_rate
        return np.zeros([round(_REQUEST_SECONDS * rate)], np.float32)


def _license(config: SpeechRecognitionConfig) -> str | None:
    """Return that of the pretrained weights, None where kft cannot know it."""
    backbone = speech_backbone.BACKBONES.get(config.backbone)
    if config.weights != speech_weights.PRETRAINED or backbone is None:
        return None
    return backbone.license


def _terms(config: SpeechRecognitionConfig) -> str | None:
    """Return what the pretrained weights are under; None where there were none."""
    if config.weights == speech_weights.NONE:
        return None
    if speech_weights.is_path(config.weights):
        return f"The weights come from {config.weights}: its terms apply."
    backbone = speech_backbone.BACKBONES.get(config.backbone)
    if backbone is None:
        return f"The weights come from {config.backbone}: its terms apply."
    return weights_terms.of_pretrained(backbone.name, backbone.origin, backbone.license)
