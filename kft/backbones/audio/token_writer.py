"""The head of a decoder: how likely given tokens are, and which ones it writes."""

import dataclasses
from typing import Any

import keras
import numpy as np

from kft.backbones.audio.whisper_decoder import DecoderLayers, Seen

NAME = "token_writer"
# Added to the logit of a token that must not be written.
_NEVER = -1e9
_State = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class WritingRules:
    """What is written around a text, and what never is.

    Attributes:
        begin: tokens that every text begins with; they are given, not written.
        end: token after which nothing is written.
        suppressed: tokens that are never written.
        suppressed_first: tokens that a text does not begin with, besides.
        most: most tokens that are written, the last one among them.
    """

    begin: tuple[int, ...]
    end: int
    suppressed: tuple[int, ...] = ()
    suppressed_first: tuple[int, ...] = ()
    most: int = 224


class TokenWriter(keras.Layer):
    """A row of float32 for each sound, [batch, 1 + most].

    First the nats of the given text after its sound: the sum of the negative logarithms
    of the probabilities of its tokens, each after those before it. Then the tokens of
    the text that is written: the likeliest, one after the other (greedy decoding), the
    rest of the row filled up with the last. Logits of all tokens would be some
    megabytes for each sound.

    In training nothing is written, for it takes many steps: there the row has the
    likeliest token at each place after the given tokens before it.
    """

    def __init__(
        self,
        layers: DecoderLayers,
        rules: WritingRules,
        *,
        vocabulary: int,
    ) -> None:
        """Make the layer.

        Args:
            layers: of the same graph.
            rules: of texts.
            vocabulary: number of tokens.
        """
        super().__init__(name=NAME, dtype="float32")
        self.rules = rules
        self.vocabulary = vocabulary
        self._decoder = layers
        never = np.zeros([vocabulary], np.float32)
        never[list(rules.suppressed)] = _NEVER
        self._penalties = never
        first = never.copy()
        first[list(rules.suppressed_first)] = _NEVER
        self._first_penalties = first

    def build(
        self,
        states_shape: Any,
        tokens_shape: Any,
        token_mask_shape: Any,
        heard_shape: Any,
    ) -> None:
        """Make the projection, which begins as the embeddings of tokens."""
        del tokens_shape, token_mask_shape, heard_shape
        self.kernel = self.add_weight(
            name="kernel", shape=(states_shape[-1], self.vocabulary)
        )

    def call(
        self,
        states: keras.KerasTensor,
        tokens: keras.KerasTensor,
        token_mask: keras.KerasTensor,
        heard: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return the rows.

        Args:
            states: of the decoder after each given token, [batch, tokens, width].
            tokens: int32 [batch, tokens], given texts with what stands around them.
            token_mask: int32 [batch, tokens], 1 for real tokens.
            heard: output of the encoder, [batch, steps, width].
            training: whether texts are only given, and none is written.
        """
        begin = len(self.rules.begin)
        # A token is said after those before it.
        logits = keras.ops.matmul(states[:, begin - 1 : -1], self.kernel)
        given = tokens[:, begin:]
        is_real = token_mask[:, begin:] > 0
        losses = keras.ops.sparse_categorical_crossentropy(
            given, logits, from_logits=True
        )
        nats = keras.ops.sum(keras.ops.where(is_real, losses, 0.0), axis=1)
        if training:
            likeliest = keras.ops.argmax(logits, axis=-1)
            likeliest = keras.ops.where(is_real, likeliest, self.rules.end)
            missing = self.rules.most - keras.ops.shape(likeliest)[1]
            written = keras.ops.pad(
                likeliest, ((0, 0), (0, missing)), constant_values=self.rules.end
            )
        else:
            written = self.write(heard)
        written = keras.ops.cast(written, "float32")
        row = keras.ops.concatenate([nats[:, None], written], axis=1)
        return keras.ops.reshape(row, (-1, 1 + self.rules.most))

    def write(self, heard: keras.KerasTensor) -> keras.KerasTensor:
        """Return the tokens of the likeliest text of each sound, int32 [batch, most].

        Those who have ended are filled up with the last token, while others go on.

        Args:
            heard: output of the encoder, [batch, steps, width].
        """
        rules, decoder = self.rules, self._decoder
        last = len(rules.begin) - 1 + rules.most
        batch = keras.ops.shape(heard)[0]
        ends = keras.ops.full((batch, rules.most), rules.end, "int32")
        state: _State = (
            keras.ops.convert_to_tensor(0, "int32"),
            ends[:, 0],
            keras.ops.zeros((batch,), "bool"),
            ends,
            tuple(tuple(block.begin(heard, last)) for block in decoder.blocks),
        )

        def goes_on(
            place: Any, token: Any, is_done: Any, written: Any, seen: Any
        ) -> Any:
            del token, written, seen
            is_left = keras.ops.logical_not(keras.ops.all(is_done))
            return keras.ops.logical_and(place < last, is_left)

        *_, written, _ = keras.ops.while_loop(goes_on, self._write_one, state)
        return written

    def _write_one(
        self, place: Any, token: Any, is_done: Any, written: Any, seen: Any
    ) -> _State:
        """Return the state after the token of a place is read, and the next written.

        Args:
            place: int32 [], of the token that is read.
            token: int32 [batch], written at the place before.
            is_done: bool [batch], whose text has ended.
            written: int32 [batch, most].
            seen: of each block, see `DecoderBlock`.
        """
        rules, decoder = self.rules, self._decoder
        begin = np.array(rules.begin, np.int32)
        known = keras.ops.take(begin, keras.ops.minimum(place, len(begin) - 1))
        token = keras.ops.where(place < len(begin), known, token)
        x = decoder.start.vectors(token[:, None], keras.ops.reshape(place, (1,)))
        kept = []
        for block, own in zip(decoder.blocks, seen, strict=True):
            x, after = block.step(x, Seen(*own), place)
            kept.append(tuple(after))
        states = keras.ops.cast(decoder.norm(x)[:, 0], "float32")
        is_first = place == len(begin) - 1
        penalties = keras.ops.where(is_first, self._first_penalties, self._penalties)
        logits = keras.ops.matmul(states, self.kernel) + penalties
        said = keras.ops.cast(keras.ops.argmax(logits, axis=-1), "int32")
        said = keras.ops.where(is_done, rules.end, said)
        number = place - (len(begin) - 1)
        is_here = keras.ops.arange(rules.most)[None, :] == number
        written = keras.ops.where(is_here, said[:, None], written)
        is_text = place >= len(begin) - 1
        ends = keras.ops.logical_and(is_text, said == rules.end)
        is_done = keras.ops.logical_or(is_done, ends)
        return place + 1, said, is_done, written, tuple(kept)

    def compute_output_shape(
        self,
        states_shape: Any,
        tokens_shape: Any,
        token_mask_shape: Any,
        heard_shape: Any,
    ) -> tuple[int | None, ...]:
        """Return [batch, 1 + most]."""
        return states_shape[0], 1 + self.rules.most
