"""The part of texts that leaves a run: signatures, answers, words about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.config import TextClassificationConfig
from kft.data.text import (
    made_up_texts,
    text_pairs,
    text_tokenizer,
    tokenizer_graph,
    utf8_graph,
    wordpiece,
)
from kft.tasks.class_answers import ClassServing
from kft.tasks.classifier_answers import SCORES, ClassifierAnswers
from kft.tasks.serving_texts import CardText, PageText, SnippetCode
from kft.tasks.task import Endpoint, ServedNetwork
from kft.tasks.text_classification import text_license, tokenizer_metadata
from kft.tasks.text_classification.text_form import TextForm

_EXAMPLE = "Good"
_TOKENS = tf.TensorSpec([None, None], tf.int32)
_NOTES = {
    "token_ids": "Token ids, begin and end included, then zeros.",
    "mask": "1 for each token, 0 for what follows the last.",
    "token_types": "0 up to the begin of the second text, 1 from there on, then zeros.",
}
# Of the code on the model card: where texts are, and what `tokenizers` calls tensors.
_FILES = {"text": "text.txt", "text_b": "text_b.txt"}
_ENCODED = {"token_ids": "ids", "mask": "attention_mask", "token_types": "type_ids"}
_CUT = {
    False: "the rest is cut off",
    True: "of a pair the longer text is cut off first",
}
Outputs = dict[str, tf.Tensor]


class TextServing(ClassServing):
    """Probabilities of classes for texts. See `kft.tasks.task.Serving`."""

    def __init__(
        self,
        config: TextClassificationConfig,
        answers: ClassifierAnswers,
        form: TextForm,
    ) -> None:
        """Serve texts.

        Args:
            config: what the model card says.
            answers: what is said of a text.
            form: in which the network reads texts.
        """
        super().__init__(answers)
        self._config = config
        self._form = form

    @property
    def file_endings(self) -> Sequence[str]:
        """Return that of text files, each of which is one text."""
        return (".txt",)

    @property
    def request_columns(self) -> Sequence[str]:
        """Return the columns of tables whose rows are requests."""
        return self._form.texts

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for texts and for tokens.

        `serving_default` takes `text`, and of pairs `text_b`, tf.string [n] in UTF-8;
        one that is not, or has no words, is not valid. `tokens` takes int32 [n,
        tokens], see `TextForm.tensors`. Both return what `ClassifierAnswers.outputs`
        does.
        """

        def answer(*tensors: tf.Tensor) -> Outputs:
            inputs = dict(zip(self._form.tensors, tensors, strict=True))
            logits = model(inputs, training=False)
            return self.answers.outputs(logits, temperature=temperature)

        def answer_texts(*texts: tf.Tensor) -> Outputs:
            # Made here, for formats that know no strings need no graph of it.
            inputs, valid = self._read(texts)
            logits = model(inputs, training=False)
            return self.answers.outputs(logits, temperature=temperature, valid=valid)

        # A signature has the names of the arguments.
        def answer_text(text: tf.Tensor) -> Outputs:
            return answer_texts(text)

        def answer_pair(text: tf.Tensor, text_b: tf.Tensor) -> Outputs:
            return answer_texts(text, text_b)

        def answer_tokens(token_ids: tf.Tensor, mask: tf.Tensor) -> Outputs:
            return answer(token_ids, mask)

        def answer_typed_tokens(
            token_ids: tf.Tensor, mask: tf.Tensor, token_types: tf.Tensor
        ) -> Outputs:
            return answer(token_ids, mask, token_types)

        texts = tf.TensorSpec([None], tf.string)
        example = np.array([_EXAMPLE.encode()], object)
        return {
            "serving_default": Endpoint(
                answer_pair if self._form.pairs else answer_text,
                signature=dict.fromkeys(self._form.texts, texts),
                request=dict.fromkeys(self._form.texts, example),
            ),
            "tokens": Endpoint(
                answer_typed_tokens if self._form.has_types else answer_tokens,
                signature=dict.fromkeys(self._form.tensors, _TOKENS),
                request=self._example(),
                notes={
                    **{name: _NOTES[name] for name in self._form.tensors},
                    self.scores: self.answers.note,
                },
            ),
        }

    def _read(
        self, texts: tuple[tf.Tensor, ...]
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Return the inputs of requests, and which of these are valid, bool [n].

        Args:
            texts: tf.string [n], for each of `TextForm.texts`.
        """
        form = self._form
        tokenizer, graph = form.tokenizer, tokenizer_graph.make(form.tokenizer)
        if form.pairs:
            first, second = texts
            found = tokenizer_graph.pair_inputs(
                tokenizer, graph, (first, second), max_length=form.max_length
            )
            valid = utf8_graph.is_utf8(first) & utf8_graph.is_utf8(second)
        else:
            (first,) = texts
            found = tokenizer_graph.inputs(
                tokenizer, graph, first, max_length=form.max_length
            )
            valid = utf8_graph.is_utf8(first)
        frame = text_tokenizer.frame_length(tokenizer, pairs=form.pairs)
        has_words = tf.reduce_sum(found["mask"], axis=1) > frame
        return {name: found[name] for name in form.tensors}, valid & has_words

    def _example(self) -> dict[str, np.ndarray]:
        """Return an example of what the network reads."""
        form, texts = self._form, [_EXAMPLE] * len(self._form.texts)
        if form.pairs:
            (pair,) = text_tokenizer.encode_pairs(
                form.tokenizer, [(texts[0], texts[1])], max_length=form.max_length
            )
            ids, types = pair.ids, pair.types
        else:
            ((ids, _),) = text_tokenizer.encode(
                form.tokenizer, texts, max_length=form.max_length
            )
            types = np.zeros_like(ids)
        found = {"token_ids": ids, "mask": np.ones_like(ids), "token_types": types}
        return {name: found[name][None] for name in form.tensors}

    def companions(self) -> dict[str, bytes]:
        """Return tokenizer.json, and what the answers need."""
        form = self._form
        own = tokenizer_metadata.companions(form.tokenizer, max_length=form.max_length)
        return {**own, **super().companions()}

    def encode(self, value: np.ndarray) -> bytes:
        """Raise DataError: a text is no array."""
        raise errors.DataError(
            f"expected a text, its UTF-8 bytes or a pathlib.Path, received an array of "
            f"{value.dtype}."
        )

    def made_up(self, count: int) -> list[bytes]:
        """Return texts of words of the vocabulary, from one to as many as are read."""
        parts = len(self._form.texts)
        made = made_up_texts.make(
            self._form.tokenizer.vocabulary,
            count * parts,
            longest=self._form.max_length,
        )
        return [
            text_pairs.join([one.decode() for one in made[i::count]]).encode()
            for i in range(count)
        ]

    def metadata(self) -> dict[str, Any]:
        """Return how a text becomes token ids, and what its answers need.

        See `TextForm.metadata`.
        """
        return {**self._form.metadata(), **self.answers.metadata()}

    def card(self) -> CardText:
        """Return what the model card says of texts."""
        return CardText(
            what="text classifier",
            purpose=f"Says {self.answers.which} a text is of",
            examples="texts",
            preprocessing=(
                f"UTF-8, at most {self._form.max_length} tokens, begin and end "
                f"included; {_CUT[self._form.pairs]}. The SavedModel takes the text "
                f"itself ({', '.join(self._form.texts)}). The others take int32 "
                f"[n, tokens]: {', '.join(self._form.tensors)}."
            ),
            limits=self.answers.limits("whatever the text says"),
            refuses=("Texts that are empty or not in UTF-8 are refused.",),
            pipeline_tag="text-classification",
            license=text_license.of_weights(self._config),
            terms=text_license.terms(self._config),
            code=self._code(),
        )

    def _code(self) -> SnippetCode:
        form = self._form
        read = [
            f'pathlib.Path("{_FILES[name]}").read_text(encoding="utf-8")'
            for name in form.texts
        ]
        encoder = f'tokenizers.Tokenizer.from_file("{wordpiece.TOKENIZER}")'
        return SnippetCode(
            variable="text",
            file=_FILES["text"],
            request="text",
            other_requests={
                name: f'tf.io.read_file("{_FILES[name]}")[None]'
                for name in form.texts[1:]
            },
            show_outputs=self.answers.show_outputs,
            modules=("tokenizers",),
            value=f"{encoder}.encode({', '.join(read)})",
            tensors={
                name: f'numpy.array([text.{_ENCODED[name]}], "int32")'
                for name in form.tensors
            },
            scores=SCORES,
            show_scores=self.answers.show_scores,
        )

    def page(self) -> PageText:
        """Return what the demo says of texts."""
        return PageText(
            title="What is this text?",
            prompt="Drop text files here, or choose files",
            accept=".txt",
            explanation="Show what speaks for its answer (orange) and against it "
            "(blue): gradient x input",
            text_prompt="A text",
        )
