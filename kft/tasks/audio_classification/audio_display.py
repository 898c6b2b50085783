"""The view of sounds that people get: players, spectrograms, previews."""

from collections.abc import Sequence

import numpy as np

from kft.data.audio import sound_html, spectrogram
from kft.data.audio.windows import Windows
from kft.data.image import contact_sheet, inline_images
from kft.model.network import Network
from kft.tasks import grad_cam
from kft.tasks.classifier_answers import ClassifierAnswers

_HEAT_COLUMNS = 36


class AudioDisplay:
    """Sounds to hear, and to see. See `kft.tasks.task.Display`."""

    def __init__(
        self, windows: Windows, centres: np.ndarray | None, answers: ClassifierAnswers
    ) -> None:
        """Show sounds.

        Args:
            windows: what of a sound is read.
            centres: where the outputs of the backbone look, as shares of that; None for
                a network that reads spectrograms as images.
            answers: what they say of a sound.
        """
        self._answers = answers
        self._windows = windows
        self._centres = centres

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded sound, by its first bytes."""
        return sound_html.suffix(payload)

    def example_html(self, payload: bytes, inputs: np.ndarray) -> str:
        """Return waveform, spectrogram and a player of what the network reads.

        Args:
            payload: the encoded sound.
            inputs: float32 [samples] in [-1, 1].
        """
        del payload
        return sound_html.player(inputs, self._windows.sample_rate)

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return which classes are right, and which are said."""
        del payload
        return self._answers.answer_html(label, scores)

    @property
    def explanation(self) -> str:
        """Return what the colours of Grad-CAM mean."""
        return (
            "Grad-CAM of its likeliest class over time, where it listened: from blue "
            "to pink it speaks for it."
        )

    def unexplained(self, network: Network) -> str:
        """Return why there is no Grad-CAM of a network; empty if there is."""
        return grad_cam.unexplained(network)

    def explain(
        self,
        network: Network,
        inputs: Sequence[np.ndarray],
        *,
        targets: Sequence[int],
        payloads: Sequence[bytes],
    ) -> Sequence[str]:
        """Return the Grad-CAM of each sound, to lay over its spectrogram.

        Args:
            network: an audio classifier.
            inputs: float32 [samples] each.
            targets: the class of each that is asked about.
            payloads: of no use here.
        """
        del payloads
        if not len(inputs):
            return ()
        maps = grad_cam.heat(network, np.stack(inputs), np.asarray(targets))
        # As high as the image is without the player below it.
        style = f"height:calc(100% - {sound_html.PLAYER_HEIGHT})"
        return [
            f'<img style="{style}" src="{inline_images.heat(self._on_image(one))}" '
            'alt="">'
            for one in maps
        ]

    def _on_image(self, heat: np.ndarray) -> np.ndarray:
        """Return heat where it belongs on what `spectrogram.draw` draws."""
        if self._centres is None:
            bands = np.repeat(heat, -(-spectrogram.BANDS // len(heat)), axis=0)
            above = round(len(bands) * spectrogram.WAVE_ROWS / spectrogram.BANDS)
            return np.pad(bands, ((above, 0), (0, 0)))
        columns = (np.arange(_HEAT_COLUMNS) + 0.5) / _HEAT_COLUMNS
        along: np.ndarray = np.interp(columns, self._centres, heat[:, 0])
        return along[None]

    def preview(self, inputs: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
        """Return a PNG of waveforms and spectrograms in a grid."""
        rate = self._windows.sample_rate
        drawn = [spectrogram.draw(one, rate) for one in inputs]
        return contact_sheet.png(np.stack(drawn), captions)
