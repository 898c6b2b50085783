"""The way from an encoded sound to the rows of samples that the network reads."""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.backbones.audio import speech_backbone
from kft.config import SpeechRecognitionConfig, augmentations
from kft.config.speech import SPEECH_AUGMENTATIONS
from kft.data.audio import alphabet, audio_augment
from kft.data.audio.utterances import Utterances
from kft.data.examples import Examples
from kft.data.ragged import Ragged
from kft.tasks.speech_recognition.speech_network import MASK, ROWS
from kft.tasks.task import Preprocess

# Rows of the shortest batches, and how much longer the next ones are.
_SHORTEST, _GROWTH = 50, 1.25
_CHUNK = 64
_SHOWN = 5


def of(config: SpeechRecognitionConfig) -> Utterances:
    """Return how a config reads sounds."""
    return Utterances(
        sample_rate=speech_backbone.SAMPLE_RATE,
        samples_per_row=speech_backbone.SAMPLES_PER_ROW,
        seconds=config.seconds,
    )


class SpeechInputs:
    """Sounds of any format, from begin to end. See `kft.tasks.task.Inputs`."""

    def __init__(self, config: SpeechRecognitionConfig) -> None:
        """Read sounds.

        Args:
            config: longest sound, and augmentation.
        """
        self._config = config
        self._utterances = of(config)
        self._strengths = {
            one.name: one.strength or 0.0
            for one in augmentations.parse(config.augment, SPEECH_AUGMENTATIONS)
        }

    @property
    def spec(self) -> dict[str, tf.TensorSpec]:
        """Return those of rows of samples, and of a 1 for each."""
        width = speech_backbone.SAMPLES_PER_ROW
        return {
            ROWS: tf.TensorSpec([None, width], tf.float32),
            MASK: tf.TensorSpec([None], tf.int32),
        }

    @property
    def is_augmented(self) -> bool:
        """Return whether a training sound differs from epoch to epoch."""
        return bool(self._strengths)

    @property
    def boundaries(self) -> Sequence[int]:
        """Return the rows that batches are padded to; the last is the longest."""
        most = self._utterances.most_rows
        found, length = [], float(_SHORTEST)
        while length < most:
            found.append(round(length))
            length *= _GROWTH
        return (*found, most)

    def cache_key(self) -> dict[str, Any]:
        """Return what decides the rows that the network reads."""
        facts = dataclasses.asdict(self._utterances)
        if self.is_augmented:
            facts |= {"augment": self._config.augment, "seed": self._config.seed}
        return facts

    def prepare(self, examples: Examples, *, training: bool = False) -> Examples:
        """Return the examples with the rows of each; only heads of files are decoded.

        Raises:
            errors.DataError: naming sounds that cannot be read, or whose text is longer
                than CTC can spell in their steps, in training at the highest speed.
        """
        lengths = np.array(list(self._lengths(examples)), np.int64)
        change = self._strengths.get("speed", 0.0) if training else 0.0
        shortest = self._utterances.rows_at(lengths, 1.0 + change)
        _check_texts(examples, shortest, is_faster=change > 0.0)
        longest = self._utterances.rows_at(lengths, 1.0 - change)
        return dataclasses.replace(examples, lengths=longest)

    def _lengths(self, examples: Examples) -> Iterator[int]:
        def count(position: int) -> int:
            payload = examples.read(tf.constant(examples.rows[[position]])).numpy()[0]
            return self._utterances.count(payload)

        with futures.ThreadPoolExecutor() as pool:
            for begin in range(0, len(examples), _CHUNK):
                positions = range(begin, min(begin + _CHUNK, len(examples)))
                found = [pool.submit(count, position) for position in positions]
                for position, one in zip(positions, found, strict=True):
                    try:
                        yield one.result()
                    except (errors.DataError, tf.errors.OpError) as error:
                        raise errors.DataError(
                            f"The example {examples.ids[position]} cannot be read: "
                            f"{_message(error)}. Repair it or remove it from the data, "
                            "or leave bad ones out with --on_bad_audio=skip."
                        ) from error

    def preprocess(self, *, training: bool) -> Preprocess:
        """Return the function (encoded sound, key) -> rows and mask."""

        def read(payload: tf.Tensor, key: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = self._rows(payload, key, training=training)
            return {ROWS: rows, MASK: tf.ones(tf.shape(rows)[:1], tf.int32)}

        return read

    def _rows(self, payload: tf.Tensor, key: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Return the rows of an encoded sound, float32 [rows, 320]."""
        utterances = self._utterances
        # As a vector: a scalar arrives as bytes from a graph, and as an array eagerly.
        rows = tf.numpy_function(
            lambda payloads: utterances.decode(payloads[0]),
            [payload[None]],
            tf.float32,
            stateful=False,
        )
        rows = tf.ensure_shape(rows, [None, utterances.samples_per_row])
        if training and self.is_augmented:
            rows = audio_augment.training_rows(
                rows, key, utterances=utterances, strengths=self._strengths
            )
        return rows

    def mix(self) -> None:
        """Return None: two sounds at a time have no text."""
        return None


def _message(error: Exception) -> str:
    return error.message if isinstance(error, tf.errors.OpError) else str(error)


def _check_texts(examples: Examples, lengths: np.ndarray, *, is_faster: bool) -> None:
    """Check that CTC can spell each text in the steps of its sound, if there are texts.

    Args:
        examples: of one split.
        lengths: steps that each sound has at least, int64 [n].
        is_faster: whether it has as few only at the highest speed of an augmentation.

    Raises:
        errors.DataError: naming those that it cannot.
    """
    labels = examples.labels
    if not isinstance(labels, Ragged):
        # Nobody knows what is said in sounds that are only asked about.
        return
    rows = range(len(labels))
    needed = np.array([alphabet.steps_needed(labels[row]) for row in rows])
    wrong = np.flatnonzero(needed > lengths)
    if not len(wrong):
        return
    shown = [
        f"{examples.ids[row]} ({labels.lengths[row]} characters need {needed[row]} "
        f"steps, there are {lengths[row]})"
        for row in wrong[:_SHOWN]
    ]
    when = " at the highest speed of --augment" if is_faster else ""
    other = ", or choose a smaller speed@" if is_faster else ""
    raise errors.DataError(
        f"{len(wrong)} of {len(lengths)} texts are longer than CTC can spell in the "
        f"steps of 20 ms that their sounds have{when}: {', '.join(shown)}. Correct "
        f"the text, or start and end of the sound, or remove it{other}: its loss would "
        "mean nothing."
    )
