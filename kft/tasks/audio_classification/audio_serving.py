"""The part of sounds that leaves a run: signatures, answers, words about them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.backbones.audio import audio_backbone
from kft.config import AudioClassificationConfig
from kft.data.audio import (
    inline_sounds,
    made_up_sounds,
    sound_files,
    wav_in_graph,
    windows_in_graph,
)
from kft.data.audio.audio_payload import AUDIO
from kft.data.audio.windows import Windows
from kft.tasks import decode_requests, weights_terms
from kft.tasks.audio_classification.audio_network import WAVEFORM
from kft.tasks.class_answers import ClassServing
from kft.tasks.classifier_answers import ClassifierAnswers
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint, FlatTable, ServedNetwork

# Of TensorFlow Lite Support's metadata_schema.fbs.
_AUDIO_PROPERTIES = np.uint8(4)


class AudioServing(ClassServing):
    """Probabilities of classes for sounds. See `kft.tasks.task.Serving`."""

    def __init__(
        self,
        config: AudioClassificationConfig,
        answers: ClassifierAnswers,
        windows: Windows,
    ) -> None:
        """Serve sounds.

        Args:
            config: what the model card says.
            answers: what is said of a sound.
            windows: what of a sound is read.
        """
        super().__init__(answers)
        self._config = config
        self._windows = windows

    @property
    def file_endings(self) -> Sequence[str]:
        """Return those of the formats that can be decoded."""
        return AUDIO.file_endings

    @property
    def file_reader(self) -> Callable[[str], bytes]:
        """Return what reads no more of a file than the windows hold."""
        return functools.partial(sound_files.read, windows=self._windows)

    def read(self, payload: tf.Tensor) -> tf.Tensor:
        """Return what the network reads of a WAV file, by TensorFlow's ops alone.

        Args:
            payload: tf.string [].
        """
        samples, rate = wav_in_graph.decode(payload)
        return windows_in_graph.read(samples, rate, self._windows)

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for WAV files and for samples.

        `serving_default` takes `wav_bytes`, tf.string [n]: WAV files of any length,
        rate of `windows_in_graph.rates`, and number of channels. `waveform` takes
        float32 [n, samples] in [-1, 1], of the rate and length that the network reads.
        Both return what `ClassifierAnswers.outputs` does.
        """
        count = self._windows.samples * self._windows.count
        silence = np.zeros([count], np.float32)
        silent_file = inline_sounds.wav(silence, self._windows.sample_rate)

        def answer_samples(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = model(waveform, training=False)
            return self.answers.outputs(logits, temperature=temperature)

        def answer_files(wav_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs, valid = decode_requests.decode_all(
                wav_bytes, self.read, tf.zeros([count])
            )
            logits = model(inputs, training=False)
            return self.answers.outputs(logits, temperature=temperature, valid=valid)

        return {
            "serving_default": Endpoint(
                answer_files,
                signature={"wav_bytes": tf.TensorSpec([None], tf.string)},
                request={"wav_bytes": np.array([silent_file], object)},
            ),
            WAVEFORM: Endpoint(
                answer_samples,
                signature={WAVEFORM: tf.TensorSpec([None, count], tf.float32)},
                request={WAVEFORM: silence[None]},
                notes={
                    WAVEFORM: f"Samples of one channel in [-1, 1], "
                    f"{self._windows.sample_rate} per second; the spectrogram is "
                    "inside the network.",
                    self.scores: self.answers.note,
                },
                litert_content={WAVEFORM: self._litert_content()},
            ),
        }

    def encode(self, value: np.ndarray) -> bytes:
        """Return samples, float [n] at the rate that is read, as 16 bits of a WAV."""
        return inline_sounds.encode(value, self._windows.sample_rate)

    def made_up(self, count: int) -> list[bytes]:
        """Return WAV files: tones in noise, up to twice as long as what is read."""
        return made_up_sounds.make(
            count,
            rates=windows_in_graph.rates(self._windows),
            seconds=2 * self._windows.seconds * self._windows.count,
        )

    def metadata(self) -> dict[str, Any]:
        """Return how an encoded sound becomes the input `waveform`.

        sample_rate in hertz; seconds of a window; windows, how many; margin, seconds on
        both sides of a window that several of them are spread with; and what its
        answers need.
        """
        return {
            "sample_rate": self._windows.sample_rate,
            "seconds": self._windows.seconds,
            "windows": self._windows.count,
            "margin": self._windows.margin,
            **self.answers.metadata(),
        }

    def card(self) -> CardText:
        """Return what the model card says of sounds."""
        windows = self._windows
        several = f"{windows.count} windows of " if windows.count > 1 else ""
        is_pretrained = self._config.weights != "none"
        backbone = audio_backbone.get(self._config.backbone)
        return CardText(
            what="audio classifier",
            purpose=f"Says {self.answers.which} a sound is of",
            examples="sounds",
            recipe=f"augmentation {self._config.augment}",
            preprocessing=(
                f"One channel (the mean of all), {windows.sample_rate} samples per "
                f"second in [-1, 1], {several}{windows.seconds:g} seconds: the middle "
                "of the sound in the middle, silence or a cut at both ends. The "
                "SavedModel takes WAV files of any usual rate and does all that. The "
                "others take the samples. The spectrogram is inside every export."
            ),
            limits=self.answers.limits("whatever there is to hear"),
            refuses=("Files that are no WAV, or have no samples, are refused.",),
            pipeline_tag="audio-classification",
            license=backbone.license if is_pretrained else None,
            terms=weights_terms.lines(
                weights_terms.of_pretrained(
                    backbone.name, backbone.origin, backbone.license
                )
                if is_pretrained
                else None,
                examples="sounds",
            ),
        )

    def page(self) -> PageText:
        """Return what the demo says of sounds."""
        return PageText(
            title="What is to be heard?",
            prompt="Drop sounds here, or choose files",
            accept="audio/*",
            explanation="Show where the network listened (Grad-CAM of the likeliest "
            "class)",
            record_prompt="Record with the microphone",
        )

    def _litert_content(self) -> FlatTable:
        """Return AudioProperties: samples per second, and channels."""
        rate = np.uint32(self._windows.sample_rate)
        return {0: _AUDIO_PROPERTIES, 1: {0: rate, 1: np.uint32(1)}}
