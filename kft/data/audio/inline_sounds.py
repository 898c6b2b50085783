"""Sounds that stand in a page itself, as data addresses."""

import base64
import io
import wave

import numpy as np


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


def address(samples: np.ndarray, sample_rate: int) -> str:
    """Return a sound as a data address that browsers play; arguments as of `wav`."""
    content = base64.b64encode(wav(samples, sample_rate)).decode()
    return f"data:audio/wav;base64,{content}"
