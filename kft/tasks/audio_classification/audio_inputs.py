"""The way from an encoded sound to the samples that the network reads."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kft.config import AudioClassificationConfig
from kft.data.audio import audio_augment, audio_decode, audio_mixup
from kft.data.audio.windows import Windows
from kft.data.epoch_plan import Mix
from kft.data.examples import Examples
from kft.tasks.audio_classification import audio_windows
from kft.tasks.task import Preprocess


class AudioInputs:
    """Sounds of any length and format, as samples. See `kft.tasks.task.Inputs`."""

    def __init__(
        self, config: AudioClassificationConfig, windows: Windows, num_classes: int
    ) -> None:
        """Read sounds.

        Args:
            config: its augmentation and seed.
            windows: what of a sound is read.
            num_classes: for labels that are mixed.
        """
        self._config = config
        self._augmentations = audio_windows.augment(config)
        self._windows = windows
        self._num_classes = num_classes

    @property
    def spec(self) -> tf.TensorSpec:
        """Return that of the windows one after the other: samples in [-1, 1]."""
        samples = self._windows.samples * self._windows.count
        return tf.TensorSpec([samples], tf.float32)

    @property
    def is_augmented(self) -> bool:
        """Return whether a training sound differs from epoch to epoch."""
        return bool(self._augmentations)

    @property
    def boundaries(self) -> Sequence[int]:
        """Return none: all inputs have one shape."""
        return ()

    def cache_key(self) -> dict[str, Any]:
        """Return what decides the samples that the network reads."""
        facts = dataclasses.asdict(self._windows)
        if self.is_augmented:
            facts |= {"augment": self._config.augment, "seed": self._config.seed}
        return facts

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples as they are: sounds are decoded when they are read."""
        del training
        return examples

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (encoded sound, key) -> float32 [samples]."""
        windows = self._windows
        length = windows.samples + 2 * windows.margin_samples

        def read(payload: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
            # As a vector: a scalar arrives as bytes from a graph, and as an array
            # eagerly.
            clips = tf.numpy_function(
                lambda payloads: audio_decode.decode(payloads[0], windows),
                [payload[None]],
                tf.float32,
                stateful=False,
            )
            clips = tf.ensure_shape(clips, [windows.count, length])
            if training and self.is_augmented:
                clips = audio_augment.training_windows(
                    clips, key, windows=windows, augmentations=self._augmentations
                )
            else:
                clips = audio_augment.evaluation_windows(clips, windows)
            return tf.reshape(clips, [windows.samples * windows.count])

        return read

    def mix(self) -> Mix | None:
        """Return how pairs of sounds are mixed, if `--augment` says so."""
        return audio_mixup.mix(self._augmentations, num_classes=self._num_classes)
