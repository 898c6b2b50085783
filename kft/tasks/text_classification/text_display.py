"""The view of texts that people get: examples, previews."""

import html
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from kft.data.image import written_text
from kft.data.text import text_pairs
from kft.data.text.text_tokenizer import TextTokenizer
from kft.model.network import Network

_MOST_CHARACTERS = 2000
# Of a preview: characters of a line, lines of a text; pixels.
_COLUMNS, _LINES = 120, 4
_WIDTH, _LINE, _LETTERS, _GAP = 900, 14, 10, 10


class TextDisplay:
    """Texts as people read them. See `kft.tasks.task.Display`."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        """Show texts; the tokenizer says what tokens mean."""
        self._tokenizer = tokenizer

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of a text."""
        del payload
        return ".txt"

    def example_html(self, payload: bytes, inputs: Mapping[str, np.ndarray]) -> str:
        """Return the begin of a text, or of both of a pair, escaped."""
        del inputs
        texts = payload.decode("utf-8", errors="replace").split(text_pairs.SEPARATOR)
        shown = [
            f"{text[:_MOST_CHARACTERS]} ..." if len(text) > _MOST_CHARACTERS else text
            for text in texts
        ]
        return "".join(f'<p dir="auto">{html.escape(text)}</p>' for text in shown)

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return nothing: the names of the classes say it."""
        del payload, label, scores
        return ""

    @property
    def explanation(self) -> str:
        """Return nothing: there is no explanation of texts."""
        return ""

    def unexplained(self, network: Network) -> str:
        """Return that there is no explanation of texts."""
        del network
        return "There is no explanation of texts."

    def explain(
        self, network: Network, inputs: Sequence[Any], targets: Sequence[Any]
    ) -> Sequence[str]:
        """Raise NotImplementedError: there is no explanation of texts."""
        raise NotImplementedError(self.unexplained(network))

    def preview(
        self, inputs: Sequence[Mapping[str, np.ndarray]], captions: Sequence[str]
    ) -> bytes:
        """Return a PNG of texts as the network reads them, one below the other."""
        lines = []
        for one, caption in zip(inputs, captions, strict=True):
            length = int(np.sum(one["mask"]))
            text = self._tokenizer.decode(np.asarray(one["token_ids"])[:length])
            wrapped = textwrap.wrap(f"{caption}: {text}", _COLUMNS) or [""]
            lines += [*wrapped[:_LINES], ""]
        image = Image.new("RGB", (_WIDTH, _LINE * len(lines) + 2 * _GAP), "white")
        draw = ImageDraw.Draw(image)
        writer = written_text.Writer(lines, _LETTERS)
        for row, line in enumerate(lines):
            place = (_GAP, _GAP + row * _LINE)
            writer.write(draw, place, writer.fitting(line, _WIDTH - 2 * _GAP))
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        return encoded.getvalue()
