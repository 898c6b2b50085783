"""The part of tagged texts that leaves a run: signatures, answers, words about them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft import errors
from kft.config import TokenClassificationConfig
from kft.data.labels import LabelMap
from kft.data.text import (
    made_up_texts,
    tag_schemes,
    text_pairs,
    utf8_graph,
    word_tokens,
    words,
)
from kft.data.text.text_tokenizer import TextTokenizer
from kft.data.text.word_tokens import WordTokensGraph
from kft.data.text.words_graph import GraphWords
from kft.metrics import scores
from kft.tasks.serving_texts import CardText, PageText
from kft.tasks.task import Endpoint, ServedNetwork
from kft.tasks.text_classification import text_license, tokenizer_metadata
from kft.tasks.token_classification import entity_figures

_SCORES = "probabilities"
_EXAMPLE = "Good"
_TOKENS = tf.TensorSpec([None, None], tf.int32)
# What the network reads.
_INPUTS = ("token_ids", "mask", "first_tokens")
# Of these and of what it gives.
_NOTES = {
    "token_ids": "Token ids, begin and end included, then zeros.",
    "mask": "1 for each token, 0 for what follows the last.",
    "first_tokens": "Where the first token of each word is, then zeros.",
    _SCORES: "One for each tag, of each word; they sum to 1.",
}
_REPAIR = (
    "A tag I- that goes on with nothing of its type begins an entity: the tags of the "
    "answer have B- there, the probabilities are as the network gives them."
)


class TokenServing:
    """Entities of texts. See `kft.tasks.task.Serving`."""

    def __init__(
        self,
        config: TokenClassificationConfig,
        labels: LabelMap,
        tokenizer: TextTokenizer,
    ) -> None:
        """Serve texts.

        Args:
            config: its `max_length`, and what the model card says.
            labels: the tags, BIO, O first.
            tokenizer: of the network.
        """
        self._config = config
        self._labels = labels
        self._tokenizer = tokenizer

    @property
    def file_endings(self) -> Sequence[str]:
        """Return that of text files, each of which is one text."""
        return (".txt",)

    @property
    def file_reader(self) -> Callable[[str], bytes] | None:
        """Return none: all of a file is read."""
        return None

    @property
    def request_columns(self) -> Sequence[str]:
        """Return the columns of tables whose rows are requests."""
        return text_pairs.parts(pairs=False)

    @property
    def activation(self) -> None:
        """Return none: the scores of steps that only fill up a batch are zeros."""
        return None

    @property
    def scores(self) -> str:
        """Return the name of the probabilities, a row for each word."""
        return _SCORES

    @property
    def answer_fields(self) -> Mapping[str, Sequence[str]]:
        """Return the keys of an answer."""
        return {"entities": (), "unread": ()}

    def network_scores(
        self,
        outputs: np.ndarray,
        inputs: Mapping[str, np.ndarray],
        *,
        temperature: float,
    ) -> np.ndarray:
        """Return the probabilities of words, float64 [n, tokens, tags], then zeros."""
        is_word = inputs["first_tokens"] > 0
        return scores.softmax(outputs / temperature) * is_word[..., None]

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return `entities`, and `unread`, the place of the words that were cut.

        An entity has its label, text, begin and end in the text in characters, and the
        lowest probability of its words' tags.
        """
        del top_k
        text = payload.decode("utf-8-sig", errors="replace")
        places, rows = words.spans(text), outputs[_SCORES]
        answers, read = entity_figures.said_tags(rows, len(places))
        names = self._labels.names
        found = []
        for entity in tag_schemes.entities(names[tag] for tag in answers):
            begin, end = places[entity.begin].begin, places[entity.end - 1].end
            shares = rows[entity.begin : entity.end].max(axis=-1)
            found.append(
                {
                    "label": entity.type,
                    "text": words.readable(text[begin:end]),
                    "begin": begin,
                    "end": end,
                    "probability": float(shares.min()),
                }
            )
        unread = places[int(read.sum()) :]
        cut = [{"begin": unread[0].begin, "end": unread[-1].end}] if unread else []
        return {"entities": found, "unread": cut}

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of words with the same answer."""
        return scores.same_class(own, found)

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for texts and for tokens.

        `serving_default` takes `text`, tf.string [n] in UTF-8; one that is not, or has
        no words, is not valid. It returns for each word that is read, filled up at the
        end: probabilities [n, words, tags], its tag (repaired) and the word itself,
        tf.string [n, words], begin and end in the text, int32 [n, words], in
        characters; and valid, bool [n]. `tokens` takes what `TokenInputs.spec` says and
        returns probabilities [n, tokens, tags], a row for each word.
        """

        def answer_tokens(
            token_ids: tf.Tensor, mask: tf.Tensor, first_tokens: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            inputs = {"token_ids": token_ids, "mask": mask}
            inputs["first_tokens"] = first_tokens
            return {_SCORES: _probabilities(model, inputs, temperature)}

        def answer_texts(text: tf.Tensor) -> dict[str, tf.Tensor]:
            # Made here, for formats that know no strings need no graph of it.
            tokenize = WordTokensGraph(
                self._tokenizer, max_length=self._config.max_length
            )
            inputs, read = tokenize(text)
            valid = (read.words.row_lengths() > 0) & utf8_graph.is_utf8(text)
            found = _probabilities(model, inputs, temperature)
            return self._outputs(found, read, valid)

        return {
            "serving_default": Endpoint(
                answer_texts,
                signature={"text": tf.TensorSpec([None], tf.string)},
                request={"text": np.array([_EXAMPLE.encode()], object)},
            ),
            "tokens": Endpoint(
                answer_tokens,
                signature=dict.fromkeys(_INPUTS, _TOKENS),
                request=self._example(),
                notes=_NOTES,
            ),
        }

    def _example(self) -> dict[str, np.ndarray]:
        """Return an example of what the network reads."""
        (one,) = word_tokens.encode(
            self._tokenizer, [_EXAMPLE], max_length=self._config.max_length
        )
        ids = one.token_ids[None]
        return {
            "token_ids": ids,
            "mask": np.ones_like(ids),
            "first_tokens": one.first_tokens[None],
        }

    def _outputs(
        self, found: tf.Tensor, read: GraphWords, valid: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the outputs of `serving_default`.

        Args:
            found: probabilities [n, tokens, tags].
            read: the words.
            valid: bool [n].
        """
        length = tf.cast(read.words.bounding_shape(axis=1), tf.int32)
        found = tf.where(valid[:, None, None], found[:, :length], 0.0)
        tags = tf.gather(tf.constant(self._labels.names), self._tags(found))
        is_word = (tf.reduce_sum(found, axis=-1) > 0) & valid[:, None]
        return {
            _SCORES: found,
            "tags": tf.where(is_word, tags, ""),
            "words": tf.where(is_word, read.words.to_tensor(), ""),
            "begins": tf.where(is_word, read.begins.to_tensor(), 0),
            "ends": tf.where(is_word, read.ends.to_tensor(), 0),
            "valid": valid,
        }

    def companions(self) -> dict[str, bytes]:
        """Return tokenizer.json."""
        return tokenizer_metadata.companions(
            self._tokenizer, max_length=self._config.max_length
        )

    def encode(self, value: np.ndarray) -> bytes:
        """Raise DataError: a text is no array."""
        raise errors.DataError(
            f"expected a text, its UTF-8 bytes or a pathlib.Path, received an array of "
            f"{value.dtype}."
        )

    def made_up(self, count: int) -> list[bytes]:
        """Return texts of words of the vocabulary, from one to more than are read."""
        return made_up_texts.make(
            self._tokenizer.vocabulary, count, longest=self._config.max_length
        )

    def metadata(self) -> dict[str, Any]:
        """Return how a text becomes token ids; see `tokenizer_metadata`."""
        return tokenizer_metadata.write(
            self._tokenizer, max_length=self._config.max_length
        )

    def card(self) -> CardText:
        """Return what the model card says of tagged texts."""
        types = sorted({tag[2:] for tag in self._labels.names} - {""})
        return CardText(
            what="tagger of entities",
            purpose=f"Finds {', '.join(types)} in texts",
            examples="texts",
            preprocessing=(
                f"UTF-8, at most {self._config.max_length} tokens, begin "
                "and end included; words that do not fit are not read. A word is a run "
                "of letters and digits, or a single other sign; where a text has the "
                "character U+001F, words are what stands between these. The SavedModel "
                "takes the text itself. The others take int32 token ids, a mask and "
                "the place of the first token of each word."
            ),
            limits=(_REPAIR,),
            refuses=("Texts that are empty or not in UTF-8 are refused.",),
            pipeline_tag="token-classification",
            license=text_license.of_weights(self._config),
            terms=text_license.terms(self._config),
        )

    def page(self) -> PageText:
        """Return what the demo says of texts."""
        return PageText(
            title="Who and what is in this text?",
            prompt="Drop text files here, or choose files",
            accept=".txt",
            text_prompt="A text",
        )

    def _tags(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Return the tag ids of words, repaired, int32 [n, words]."""
        names = self._labels.names
        begins = tf.constant(
            [names.index(f"B-{tag[2:]}") if tag[2:] else 0 for tag in names]
        )
        tags = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        kinds = tf.gather(begins, tags)
        before = tf.pad(kinds, [[0, 0], [1, 0]])[:, :-1]
        return tf.where(kinds == before, tags, kinds)


def _probabilities(
    model: ServedNetwork, inputs: Mapping[str, tf.Tensor], temperature: float
) -> tf.Tensor:
    """Return those of words, [n, tokens, tags], then zeros."""
    logits = model(inputs, training=False)
    is_word = tf.cast(inputs["first_tokens"] > 0, tf.float32)
    # LiteRT knows no new axes among slices.
    return tf.nn.softmax(logits / temperature) * tf.expand_dims(is_word, -1)
