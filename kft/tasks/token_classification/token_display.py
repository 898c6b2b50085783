"""The view of texts with entities that people get."""

from kft.data.text import words
from kft.tasks.text_classification.text_display import TextDisplay


class TokenDisplay(TextDisplay):
    """Texts as people read them. See `kft.tasks.task.Display`."""

    def example_html(self, payload: bytes, inputs: object) -> str:
        """Return the begin of a text, escaped; words that were split have blanks."""
        text = words.readable(payload.decode("utf-8", errors="replace"))
        return super().example_html(text.encode(), {})
