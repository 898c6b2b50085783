"""The view of transcribed sounds that people get: players, spectrograms, errors."""

import html
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kft.backbones.audio import speech_backbone
from kft.data.audio import alphabet, sound_html, spectrogram
from kft.data.image import contact_sheet
from kft.data.labels import LabelMap
from kft.tasks.not_explained import NotExplained
from kft.tasks.speech_recognition import alignment
from kft.tasks.speech_recognition.speech_network import ROWS

# Of a spectrogram in a preview: all have one size.
_PREVIEW_COLUMNS = 240


class SpeechDisplay(NotExplained):
    """Sounds to hear, and what is said of them. See `kft.tasks.task.Display`."""

    why_unexplained = (
        "A transcript has no one place in the sound that speaks for all of it."
    )

    def __init__(self, symbols: LabelMap, said: Callable[[np.ndarray], str]) -> None:
        """Show sounds.

        Args:
            symbols: of texts.
            said: returns the text that the outputs for a sound say.
        """
        self._symbols = symbols
        self._said = said

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded sound, by its first bytes."""
        return sound_html.suffix(payload)

    def example_html(self, payload: bytes, inputs: Mapping[str, np.ndarray]) -> str:
        """Return waveform, spectrogram and a player of what the network reads."""
        del payload
        return sound_html.player(inputs[ROWS].ravel(), speech_backbone.SAMPLE_RATE)

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return the text, and what is said, with errors marked."""
        del payload
        text = alphabet.text(label, self._symbols)
        marked = alignment.marked(text, self._said(scores))
        return f"{html.escape(text)}<br>said: {marked}"

    def preview(
        self, inputs: Sequence[Mapping[str, np.ndarray]], captions: Sequence[str]
    ) -> bytes:
        """Return a PNG of waveforms and spectrograms in a grid."""
        drawn = [
            spectrogram.draw(one[ROWS].ravel(), speech_backbone.SAMPLE_RATE)
            for one in inputs
        ]
        columns = np.arange(_PREVIEW_COLUMNS) / _PREVIEW_COLUMNS
        alike = [one[:, (columns * one.shape[1]).astype(int)] for one in drawn]
        return contact_sheet.png(np.stack(alike), captions)
