"""The view of texts with entities that people get."""

import html
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kft.data.labels import LabelMap
from kft.data.text import tag_schemes, words
from kft.data.text.tag_schemes import Entity
from kft.data.text.words import WordSpan
from kft.tasks.class_answers import ClassAnswers
from kft.tasks.not_explained import NotExplained
from kft.tasks.text_classification.text_display import TextDisplay
from kft.tasks.text_classification.text_form import TextForm
from kft.tasks.token_classification import entity_figures


class TokenDisplay(NotExplained, TextDisplay):
    """Texts as people read them. See `kft.tasks.task.Display`."""

    why_unexplained = "There is no explanation of tags."

    def __init__(self, form: TextForm, labels: LabelMap) -> None:
        """Show texts; their form and the tags say what numbers mean."""
        super().__init__(form, ClassAnswers(labels))
        self._labels = labels

    def example_html(self, payload: bytes, inputs: Mapping[str, np.ndarray]) -> str:
        """Return the begin of a text, escaped; words that were split have blanks."""
        return super().example_html(_text(payload).encode(), inputs)

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return the entities that there are, and those that are said."""
        text, names = _text(payload), self._labels.names
        places = words.spans(payload.decode("utf-8-sig", errors="replace"))
        answers, _ = entity_figures.said_tags(scores, len(label))
        there, said = (
            _listed(tag_schemes.entities(names[tag] for tag in tags), text, places)
            for tags in (label, answers)
        )
        return f"{there}<br>said: {said}"


def _text(payload: bytes) -> str:
    return words.readable(payload.decode("utf-8-sig", errors="replace"))


def _listed(entities: Iterable[Entity], text: str, places: Sequence[WordSpan]) -> str:
    """Return entities as HTML, each with its type."""
    shown = []
    for entity in entities:
        begin, end = places[entity.begin].begin, places[entity.end - 1].end
        found, kind = html.escape(text[begin:end]), html.escape(entity.type)
        shown.append(f"<mark>{found}</mark> <small>{kind}</small>")
    return ", ".join(shown) or "no entity"
