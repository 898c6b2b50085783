"""The view of texts that people get: examples, previews."""

import io
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from kft.data import sample
from kft.data.image import written_text
from kft.data.text import length_buckets, text_pairs, text_tokenizer
from kft.model.network import Network
from kft.tasks.classifier_answers import ClassifierAnswers
from kft.tasks.text_classification import shaded_text, token_gradients
from kft.tasks.text_classification.text_form import TextForm

# Of a preview: characters of a line, lines of a text; pixels.
_COLUMNS, _LINES = 120, 4
_WIDTH, _LINE, _LETTERS, _GAP = 900, 14, 10, 10


class TextDisplay:
    """Texts as people read them. See `kft.tasks.task.Display`."""

    def __init__(self, form: TextForm, answers: ClassifierAnswers) -> None:
        """Show texts.

        Args:
            form: in which the network reads them.
            answers: what they say of one.
        """
        self._form = form
        self._answers = answers

    def suffix(self, payload: bytes) -> str:
        """Return the file ending of a text."""
        del payload
        return ".txt"

    def example_html(self, payload: bytes, inputs: Mapping[str, np.ndarray]) -> str:
        """Return the begin of a text, or of both of a pair, escaped."""
        del inputs
        return "".join(map(shaded_text.plain, _texts(payload)))

    def answer_html(self, payload: bytes, label: np.ndarray, scores: np.ndarray) -> str:
        """Return which classes are right, and which are said."""
        del payload
        return self._answers.answer_html(label, scores)

    @property
    def explanation(self) -> str:
        """Return what the shades of tokens mean."""
        return (
            "gradient x input of its likeliest class, token by token: orange speaks "
            "for it, blue against it, the darker the more."
        )

    def unexplained(self, network: Network) -> str:
        """Return nothing: every network of texts has gradients of its tokens."""
        del network
        return ""

    def explain(
        self,
        network: Network,
        inputs: Sequence[Mapping[str, np.ndarray]],
        *,
        targets: Sequence[int],
        payloads: Sequence[bytes],
    ) -> Sequence[str]:
        """Return each text with its tokens shaded, to lay over it.

        Args:
            network: a text classifier.
            inputs: int32 [tokens] each, by name.
            targets: the class of each that is asked about.
            payloads: the texts.
        """
        if not len(inputs):
            return ()
        form = self._form
        batch = sample.stack(inputs, form.spec, length_buckets.up_to(form.max_length))
        found = token_gradients.scores(network, batch, np.asarray(targets))
        return [
            self._shaded(payload, scores)
            for payload, scores in zip(payloads, found, strict=True)
        ]

    def _shaded(self, payload: bytes, scores: np.ndarray) -> str:
        """Return a text on shaded ground.

        Args:
            payload: the text, or a pair.
            scores: of the tokens, those before, between and behind texts among them.
        """
        tokenizer, texts = self._form.tokenizer, _texts(payload)
        places = text_tokenizer.kept_places(
            tokenizer, texts, max_length=self._form.max_length
        )
        begin, parts = len(tokenizer.begin_ids), []
        for own in places:
            parts.append(scores[begin : begin + len(own)])
            begin += len(own) + len(tokenizer.between_ids)
        strengths = iter(shaded_text.relative(np.concatenate(parts)))
        shaded = "".join(
            shaded_text.shaded(text, own, [float(next(strengths)) for _ in own])
            for text, own in zip(texts, places, strict=True)
        )
        return f"<div>{shaded}</div>"

    def preview(
        self, inputs: Sequence[Mapping[str, np.ndarray]], captions: Sequence[str]
    ) -> bytes:
        """Return a PNG of texts as the network reads them, one below the other."""
        lines = []
        for one, caption in zip(inputs, captions, strict=True):
            length = int(np.sum(one["mask"]))
            text = self._form.tokenizer.decode(np.asarray(one["token_ids"])[:length])
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


def _texts(payload: bytes) -> list[str]:
    """Return the text, or both of a pair."""
    text = payload.decode("utf-8-sig", errors="replace")
    return text.split(text_pairs.SEPARATOR)
