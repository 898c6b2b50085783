"""The view of images that people get: examples, heat maps, previews."""

from collections.abc import Sequence

import numpy as np

from kft.data.image import contact_sheet, inline_images
from kft.model.network import Network
from kft.tasks import grad_cam
from kft.tasks.classifier_answers import ClassifierAnswers

_MAGIC = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp"}


class ImageDisplay:
    """Images and where the network looked. See `kft.tasks.task.Display`."""

    def __init__(self, answers: ClassifierAnswers) -> None:
        """Show images, and of answers what they say of one."""
        self._answers = answers

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of an encoded image, by its first bytes."""
        for magic, ending in _MAGIC.items():
            if payload.startswith(magic):
                return ending
        return ".webp" if payload[8:12] == b"WEBP" else ""

    def example_html(self, payload: bytes, inputs: np.ndarray) -> str:
        """Return the square that the network sees, uint8 [size, size, 3], as HTML."""
        del payload
        return f'<img src="{inline_images.photo(inputs)}" alt="">'

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return which classes are right, and which are said."""
        del payload
        return self._answers.answer_html(label, scores)

    @property
    def explanation(self) -> str:
        """Return what the colours of Grad-CAM mean."""
        return "Grad-CAM of its likeliest class; from blue to pink it speaks for it."

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
        """Return the Grad-CAM of each image, to lay over.

        Args:
            network: an image classifier.
            inputs: uint8 [size, size, 3] each.
            targets: the class of each that is asked about.
            payloads: of no use here.
        """
        del payloads
        if not len(inputs):
            return ()
        maps = grad_cam.heat(network, np.stack(inputs), np.asarray(targets))
        return [f'<img src="{inline_images.heat(one)}" alt="">' for one in maps]

    def preview(self, inputs: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
        """Return a PNG of images, uint8 [size, size, 3] each, in a grid."""
        return contact_sheet.png(np.stack(inputs), captions)
