"""Sounds in pages: a drawing of each, and a player."""

import base64
import io

import numpy as np
from PIL import Image

from kft.data.audio import inline_sounds, spectrogram

# Of the player, below the drawing.
PLAYER_HEIGHT = "2em"
_MAGIC = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"FORM": ".aiff"}


def suffix(payload: bytes) -> str:
    """Return the file ending of an encoded sound, by its first bytes."""
    return _MAGIC.get(payload[:4], ".mp3")


def player(samples: np.ndarray, sample_rate: int) -> str:
    """Return waveform, spectrogram and a player.

    Args:
        samples: float32 [n] in [-1, 1].
        sample_rate: in hertz.
    """
    image = _png(spectrogram.draw(samples, sample_rate))
    return (
        f'<img src="{image}" alt=""><audio controls preload="none" '
        f'style="width:100%;height:{PLAYER_HEIGHT}" '
        f'src="{inline_sounds.address(samples, sample_rate)}"></audio>'
    )


def _png(pixels: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
