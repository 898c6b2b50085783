"""Whole sounds as rows of 20 ms, for networks that read them from begin to end."""

import dataclasses
import io
import math

import numpy as np

from kft import errors
from kft.data.audio import audio_decode, resampling_filter


@dataclasses.dataclass(frozen=True)
class Utterances:
    """How a sound becomes rows.

    Attributes:
        sample_rate: of what is read, in hertz.
        samples_per_row: of it.
        seconds: of the longest sound.
    """

    sample_rate: int
    samples_per_row: int
    seconds: float

    @property
    def most_rows(self) -> int:
        """Return the rows of the longest sound."""
        return self.rows_of(round(self.seconds * self.sample_rate))

    def rows_of(self, samples: int) -> int:
        """Return the rows of a sound; the last ends in a sample of silence, or more."""
        return samples // self.samples_per_row + 1

    def rows_at(self, rows: np.ndarray, speed: float) -> np.ndarray:
        """Return how many rows sounds have that are played at another speed, int64 [n].

        At least one. A sound is slowed down until it is as long as the longest, and no
        further, so that batches and networks have room for it.

        Args:
            rows: of the sounds, [n].
            speed: above 0; 2 makes a sound half as long.
        """
        most = np.maximum(rows, self.most_rows - 1)
        return np.clip(np.rint(rows / speed), 1, most).astype(np.int64)

    def length(self, frames: int, rate: int) -> int:
        """Return the samples of a file's frames, resampled.

        Raises:
            errors.DataError: where that is more than the longest sound.
        """
        if frames > self.seconds * rate:
            raise errors.DataError(
                f"the sound is longer than --seconds={self.seconds:g}: cut it into "
                "sentences, give start and end in a table, or raise --seconds"
            )
        return math.ceil(frames * self.sample_rate / rate)

    def count(self, content: bytes) -> int:
        """Return the rows of an encoded sound, of which only the head is read.

        Raises:
            errors.DataError: where it is no sound, or too long.
        """
        with audio_decode.opened(io.BytesIO(content)) as sound:
            frames = audio_decode.frames(sound)
            return self.rows_of(self.length(frames, sound.samplerate))

    def decode(self, content: bytes) -> np.ndarray:
        """Return the rows of an encoded sound, float32 [rows, samples_per_row].

        Args:
            content: WAV, FLAC, OGG, MP3 or AIFF. A file that ends early is silence from
                there on.

        Raises:
            errors.DataError: where it is no such sound, is too long, has no samples, or
                samples that are no numbers.
        """
        with audio_decode.opened(io.BytesIO(content)) as sound:
            frames, rate = audio_decode.frames(sound), sound.samplerate
            self.length(frames, rate)
            read = sound.read(frames, dtype="float32", always_2d=True)
        if not np.isfinite(read).all():
            raise errors.DataError("the sound has samples that are no numbers")
        samples = resampling_filter.apply(
            audio_decode.one_channel(read), rate, self.sample_rate
        )
        return self.in_rows(samples)

    def in_rows(self, samples: np.ndarray) -> np.ndarray:
        """Return samples [n] as rows, with silence at the end of the last."""
        rows = self.rows_of(len(samples))
        filled = np.pad(samples, (0, rows * self.samples_per_row - len(samples)))
        return filled.reshape(rows, self.samples_per_row).astype(np.float32)
