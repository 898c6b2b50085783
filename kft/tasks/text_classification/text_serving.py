"""The part of texts that leaves a run: signatures, answers, words about them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kft.config import TextClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import (
    made_up_texts,
    text_tokenizer,
    tokenizer_graph,
    utf8_graph,
)
from kft.data.text.text_tokenizer import TextTokenizer
from kft.tasks.class_answers import ClassServing
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint
from kft.tasks.text_classification import text_license, tokenizer_metadata

_EXAMPLE = "Good"
_TOKENS = tf.TensorSpec([None, None], tf.int32)


class TextServing(ClassServing):
    """Probabilities of classes for texts. See `kft.tasks.task.Serving`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        labels: LabelMap,
        tokenizer: TextTokenizer,
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

        def answer_tokens(
            token_ids: tf.Tensor, mask: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            logits = model({"token_ids": token_ids, "mask": mask}, training=False)
            return self.answers.outputs(logits, temperature=temperature)

        def answer_texts(text: tf.Tensor) -> dict[str, tf.Tensor]:
            # Made here, for formats that know no strings need no graph of it.
            graph = tokenizer_graph.make(self._tokenizer)
            inputs = tokenizer_graph.inputs(
                self._tokenizer, graph, text, max_length=self._config.max_length
            )
            frame = len(self._tokenizer.begin_ids) + len(self._tokenizer.end_ids)
            has_words = tf.reduce_sum(inputs["mask"], axis=1) > frame
            logits = model(inputs, training=False)
            return self.answers.outputs(
                logits,
                temperature=temperature,
                valid=has_words & utf8_graph.is_utf8(text),
            )

        ((ids, _),) = text_tokenizer.encode(
            self._tokenizer, [_EXAMPLE], max_length=self._config.max_length
        )
        return {
            "serving_default": Endpoint(
                answer_texts,
                signature={"text": tf.TensorSpec([None], tf.string)},
                request={"text": np.array([_EXAMPLE.encode()], object)},
            ),
            "tokens": Endpoint(
                answer_tokens,
                signature={"token_ids": _TOKENS, "mask": _TOKENS},
                request={"token_ids": ids[None], "mask": np.ones_like(ids)[None]},
                notes={
                    "token_ids": "Token ids, begin and end included, then zeros.",
                    "mask": "1 for each token, 0 for what follows the last.",
                },
            ),
        }

    def made_up(self, count: int) -> list[bytes]:
        """Return texts of words of the vocabulary, from one to as many as are read."""
        return made_up_texts.make(
            self._tokenizer.vocabulary, count, longest=self._config.max_length
        )

    def metadata(self) -> dict[str, Any]:
        """Return how a text becomes token ids; see `tokenizer_metadata`."""
        return tokenizer_metadata.write(
            self._tokenizer, max_length=self._config.max_length
        )

    def card(self) -> CardText:
        """Return what the model card says of texts."""
        return CardText(
            what="text classifier",
            purpose=f"Says which of {len(self.answers.labels)} classes a text is of",
            examples="texts",
            preprocessing=(
                f"UTF-8, at most {self._config.max_length} tokens, begin "
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
