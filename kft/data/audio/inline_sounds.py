"""Sounds that stand in a page itself, as data addresses."""

import base64
import io
import wave

import numpy as np

from kft import errors


def wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Return a WAV file of 16 bits.

    Args:
        samples: float32 [n] in [-1, 1]; what is beyond is cut off.
        sample_rate: in hertz.
    """
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        whole = np.clip(np.round(samples * 32768), -32768, 32767)
        file.writeframes(whole.astype("<i2").tobytes())
    return content.getvalue()


def encode(value: np.ndarray, sample_rate: int) -> bytes:
    """Return samples that somebody has as an array, as `wav` does.

    Args:
        value: float [n] in [-1, 1].
        sample_rate: in hertz.

    Raises:
        errors.DataError: for any other array.
    """
    expected = f"expected samples as float [n], -1 to 1, {sample_rate} a second"
    if value.ndim != 1 or not len(value):
        raise errors.DataError(f"{expected}, received {list(value.shape)}.")
    if not np.issubdtype(value.dtype, np.floating):
        raise errors.DataError(
            f"{expected}, received {value.dtype}. Whole numbers of 16 bits are "
            "samples * 32768."
        )
    if not np.isfinite(value).all():
        raise errors.DataError(f"{expected}; some are no numbers, or infinite.")
    return wav(value.astype(np.float32), sample_rate)


def address(samples: np.ndarray, sample_rate: int) -> str:
    """Return a sound as a data address that browsers play; arguments as of `wav`."""
    content = base64.b64encode(wav(samples, sample_rate)).decode()
    return f"data:audio/wav;base64,{content}"
