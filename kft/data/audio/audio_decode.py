"""Encoded sounds to samples: decoding by libsndfile, resampling as soxr does it.

Channels become one by their mean. What a file holds beyond the windows is not read, so
memory is bounded by them. A file that ends early is read as far as it goes.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from kft import errors
from kft.data.audio import resampling_filter
from kft.data.audio.audio_extra import AUDIO
from kft.data.audio.windows import Windows

# More frames than any file has: what libsndfile says where it does not know.
_UNKNOWN = 2**48
# What is left of channels that cancel each other, as a share: a thousandth, -60 dB.
CANCELLED = 1e-3
# Stored samples -> how a part of them is stored without loss; others as float.
_LOSSLESS = {"PCM_16": "int16", "PCM_24": "int32", "PCM_U8": "int16", "PCM_S8": "int16"}
_STORED_AS = {"PCM_16": "PCM_16", "PCM_24": "PCM_24", "PCM_U8": "PCM_16"}
_STORED_AS["PCM_S8"] = "PCM_16"


def decode(content: bytes, windows: Windows) -> np.ndarray:
    """Return the windows of an encoded sound, with their margins.

    Args:
        content: WAV, FLAC, OGG, MP3 or AIFF.
        windows: what of it is read.

    Returns:
        float32 [windows, samples with margins], in [-1, 1].

    Raises:
        errors.DataError: where it is no such sound, has no samples, or samples that are
            no numbers.
    """
    with opened(io.BytesIO(content)) as sound:
        total, rate = frames(sound), sound.samplerate
        read = _read(sound, windows.starts(total, rate), windows.length(rate))
    if not np.isfinite(read).all():
        raise errors.DataError("the sound has samples that are no numbers")
    length = windows.samples + 2 * windows.margin_samples
    return np.stack([resample(one, rate, windows.sample_rate, length) for one in read])


def resample(samples: np.ndarray, rate: int, to: int, length: int) -> np.ndarray:
    """Return samples [n] at another rate, float32 [length].

    What is missing at the end is silence.
    """
    found = resampling_filter.apply(samples, rate, to)[:length]
    return np.pad(found, (0, length - len(found)))


def part(
    path: str | bytes | io.BytesIO,
    windows: Windows,
    begin: float = 0.0,
    end: float | None = None,
) -> bytes | None:
    """Return what of a sound its windows hold, as a WAV; None where the file is.

    `decode` gives the same of it as of the whole. So every example is a WAV, whatever
    its file, and exports can read it.

    Args:
        path: of the file, or its content.
        windows: what of it is read.
        begin: seconds at which the sound begins in the file.
        end: seconds at which it ends; None for the end of the file.

    Raises:
        errors.DataError: where it is no sound, or ends before it begins.
    """
    with opened(path) as sound:
        rate, total = sound.samplerate, frames(sound)
        first = round(begin * rate)
        last = total if end is None else min(total, round(end * rate))
        if first >= last:
            raise errors.DataError(
                f"expected a sound of {begin:g} s and more, received one of "
                f"{total / rate:.2f} s"
            )
        length = windows.length(rate)
        if last - first <= length * windows.count:
            if (first, last) == (0, total) and sound.format in ("WAV", "WAVEX"):
                return None
            spans = [(first, last - first)]
        else:
            starts = windows.starts(last - first, rate)
            spans = [(first + start, length) for start in starts]
        return _stored(sound, spans)


def _stored(sound: Any, spans: list[tuple[int, int]]) -> bytes:
    """Return parts of a sound, one after the other, as a WAV file."""
    read = []
    for first, count in spans:
        sound.seek(first)
        dtype = _LOSSLESS.get(sound.subtype, "float32")
        read.append(sound.read(count, dtype=dtype, always_2d=True))
    content = io.BytesIO()
    AUDIO.require("soundfile").write(
        content,
        np.concatenate(read),
        sound.samplerate,
        format="WAV",
        subtype=_STORED_AS.get(sound.subtype, "FLOAT"),
    )
    return content.getvalue()


def _read(sound: Any, starts: list[int], length: int) -> list[np.ndarray]:
    """Return windows of a sound, float32 [length] each, in [-1, 1]."""
    read: dict[int, np.ndarray] = {}
    for start in starts:
        if start not in read:
            sound.seek(max(0, start))
            found = sound.read(length + min(0, start), dtype="float32", always_2d=True)
            found = one_channel(found)
            missing = length + min(0, start) - len(found)
            read[start] = np.pad(found, (max(0, -start), missing))
    return [read[start] for start in starts]


def one_channel(samples: np.ndarray) -> np.ndarray:
    """Return the mean of channels, float32 [n].

    Args:
        samples: float32 [n, channels].

    Raises:
        errors.DataError: for channels that cancel each other, as those of a balanced
            cable do that were taken for stereo: their mean is silence.
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    mean: np.ndarray = samples.mean(axis=1)
    if np.abs(mean).max(initial=0.0) < CANCELLED * np.abs(samples).max(initial=0.0):
        raise errors.DataError(
            "its channels cancel each other (opposite phases): their mean, which is "
            "read, is silence. Write one of the channels to a file"
        )
    return mean


def frames(sound: Any) -> int:
    """Return the samples of each channel of an open sound.

    Raises:
        errors.DataError: where there are none.
    """
    count: int = sound.frames
    if not 0 < count < _UNKNOWN:
        raise errors.DataError("the sound has no samples")
    return count


@contextlib.contextmanager
def opened(file: str | bytes | io.BytesIO) -> Iterator[Any]:
    """Give an open sound; what libsndfile says of it becomes a DataError.

    Args:
        file: path, or content.
    """
    soundfile = AUDIO.require("soundfile")
    try:
        with soundfile.SoundFile(file) as sound:
            yield sound
    except soundfile.LibsndfileError as error:
        raise errors.DataError(
            f"it cannot be read as a sound: {error.error_string}"
        ) from error
