"""The part of texts that leaves a run: signatures, answers, words about them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import utf8_graph
from kft.data.text.wordpiece import WordPiece
from kft.data.text.wordpiece_graph import WordPieceGraph
from kft.tasks.class_answers import ClassServing
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint
from kft.tasks.text_classification import text_license

MAX_LENGTH, TOKENIZER = "max_length", "tokenizer"
_EXAMPLE = "Good"
_TOKENS = tf.TensorSpec([None, None], tf.int32)


class TextServing(ClassServing):
    """Probabilities of classes for texts. See `kft.tasks.task.Serving`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        labels: LabelMap,
        tokenizer: WordPiece,
    ) -> None:
        """Serve texts.

        Args:
            config: its `max_length`, and what the model card says.
            labels: the classes, in index order.
            tokenizer: of the network.
        """
        super().__init__(labels)
        self._config = config
        self._tokenizer = tokenizer

    @property
    def file_endings(self) -> Sequence[str]:
        """Return that of text files, each of which is one text."""
        return (".txt",)

    def endpoints(
        self, model: keras.Model, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for texts and for tokens.

        `serving_default` takes `text`, tf.string [n] in UTF-8; one that is not, or has
        no words, is not valid. `tokens` takes `token_ids` and `mask`, int32 [n,
        tokens]. Both return what `ClassAnswers.outputs` does.
        """
        tokenize = WordPieceGraph(self._tokenizer, max_length=self._config.max_length)

        def answer_tokens(
            token_ids: tf.Tensor, mask: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            logits = model({"token_ids": token_ids, "mask": mask}, training=False)
            return self.answers.outputs(logits, temperature=temperature)

        def answer_texts(text: tf.Tensor) -> dict[str, tf.Tensor]:
            inputs = tokenize(text)
            has_words = tf.reduce_sum(inputs["mask"], axis=1) > 2
            logits = model(inputs, training=False)
            return self.answers.outputs(
                logits,
                temperature=temperature,
                valid=has_words & utf8_graph.is_utf8(text),
            )

        ids = self._tokenizer.encode([_EXAMPLE])[0][None]
        return {
            "serving_default": Endpoint(
                answer_texts,
                signature={"text": tf.TensorSpec([None], tf.string)},
                request={"text": np.array([_EXAMPLE.encode()], object)},
            ),
            "tokens": Endpoint(
                answer_tokens,
                signature={"token_ids": _TOKENS, "mask": _TOKENS},
                request={"token_ids": ids, "mask": np.ones_like(ids)},
                notes={
                    "token_ids": "Token ids, begin and end included, then zeros.",
                    "mask": "1 for each token, 0 for what follows the last.",
                },
            ),
        }

    def made_up(self, count: int) -> list[bytes]:
        """Return texts of words of the vocabulary, from one to as many as are read."""
        rng = np.random.default_rng(0)
        special = (self._tokenizer.unknown, self._tokenizer.begin, self._tokenizer.end)
        words = [
            token
            for token in self._tokenizer.vocabulary
            if token.isalpha() and token not in special
        ] or [_EXAMPLE]
        lengths = rng.integers(1, self._config.max_length, count)
        return [" ".join(rng.choice(words, length)).encode() for length in lengths]

    def metadata(self) -> dict[str, Any]:
        """Return how a text becomes the input `token_ids`.

        max_length, most tokens; tokenizer as `WordPiece.to_json` has it, with its
        vocabulary.
        """
        return {
            MAX_LENGTH: self._config.max_length,
            TOKENIZER: self._tokenizer.to_json(),
        }

    def card(self) -> CardText:
        """Return what the model card says of texts."""
        return CardText(
            what="text classifier",
            purpose=f"Says which of {len(self.answers.labels)} classes a text is of",
            examples="texts",
            preprocessing=(
                f"UTF-8, at most {self._config.max_length} tokens of WordPiece, begin "
                "and end included; the rest is cut off. The SavedModel takes the text "
                "itself. The others take int32 token ids and a mask."
            ),
            limits=("It answers with one of its classes whatever the text says.",),
            refuses=("Texts that are empty or not in UTF-8 are refused.",),
            pipeline_tag="text-classification",
            license=text_license.of_weights(self._config),
            terms=text_license.terms(self._config),
        )

    def page(self) -> PageText:
        """Return what the demo says of texts."""
        return PageText(
            title="What is this text?",
            prompt="Drop text files here, or choose files",
            accept=".txt",
            text_prompt="A text",
        )
