"""The view of sounds that people get: players, spectrograms, previews."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from kft.data.audio import inline_sounds, spectrogram
from kft.data.audio.windows import Windows
from kft.data.image import contact_sheet
from kft.model.network import Network

_MAGIC = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"FORM": ".aiff"}


class AudioDisplay:
    """Sounds to hear, and to see. See `kft.tasks.task.Display`."""

    def __init__(self, windows: Windows) -> None:
        """Show sounds; the windows say what is read of one."""
        self._windows = windows

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded sound, by its first bytes."""
        return _MAGIC.get(payload[:4], ".mp3")

    def example_html(self, payload: bytes, inputs: np.ndarray) -> str:
        """Return waveform, spectrogram and a player of what the network reads.

        Args:
            payload: the encoded sound.
            inputs: float32 [samples] in [-1, 1].
        """
        del payload
        rate = self._windows.sample_rate
        return (
            f'<img src="{_png(spectrogram.draw(inputs, rate))}" alt="">'
            f'<audio controls preload="none" style="width:100%;height:2em" '
            f'src="{inline_sounds.address(inputs, rate)}"></audio>'
        )

    @property
    def explanation(self) -> str:
        """Return nothing: there is no explanation of sounds."""
        return ""

    def explain(
        self, network: Network, inputs: Sequence[np.ndarray], targets: Sequence[int]
    ) -> None:
        """Return None: there is no explanation of sounds."""
        del network, inputs, targets
        return None

    def preview(self, inputs: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
        """Return a PNG of waveforms and spectrograms in a grid."""
        rate = self._windows.sample_rate
        drawn = [spectrogram.draw(one, rate) for one in inputs]
        return contact_sheet.png(np.stack(drawn), captions)


def _png(pixels: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
