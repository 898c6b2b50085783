"""What leaves a run that learned by CTC: signatures, and answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.audio.utterances import Utterances
from kft.data.labels import LabelMap
from kft.metrics import scores
from kft.tasks.speech_recognition import ctc_decoding
from kft.tasks.speech_recognition.speech_network import MASK, ROWS
from kft.tasks.speech_recognition.speech_serving import Inputs, SpeechServing
from kft.tasks.speech_recognition.text_decoder import TextDecoder
from kft.tasks.task import Endpoint, ServedNetwork

_SCORES = "probabilities"
_TENSORS = "rows"
_NOTES = {
    ROWS: "Samples of one channel in [-1, 1], 16,000 per second, in rows of 20 ms. The "
    "last row ends in silence, of a sample at least.",
    MASK: "1 for each row of the sound, 0 for what follows the last.",
    _SCORES: "One for each symbol, of each step; they sum to 1.",
}
# Logarithms of bands that are almost silent magnify rounding.
_MAGNIFIED = 10.0


class CtcServing(SpeechServing):
    """Probabilities of symbols for each 20 ms, and the text that they spell."""

    def __init__(
        self,
        config: SpeechRecognitionConfig,
        symbols: LabelMap,
        utterances: Utterances,
        decoder: TextDecoder,
    ) -> None:
        """Serve sounds.

        Args:
            config: what the model card says.
            symbols: what texts are spelled with.
            utterances: how sounds are read.
            decoder: says what is said; the graph of an export does it greedily.
        """
        super().__init__(config, utterances)
        self._symbols = symbols
        self._decoder = decoder

    @property
    def scores(self) -> str:
        """Return the name of the probabilities, a row for each 20 ms."""
        return _SCORES

    def network_scores(
        self,
        outputs: np.ndarray,
        inputs: Mapping[str, np.ndarray],
        *,
        temperature: float,
    ) -> np.ndarray:
        """Return probabilities of symbols and blank, float64 [n, rows, symbols + 1].

        They are zeros for rows that only fill up the batch.
        """
        is_real = inputs[MASK] > 0
        return scores.softmax(outputs / temperature) * is_real[..., None]

    def answer(
        self, outputs: Mapping[str, np.ndarray], *, top_k: int, payload: bytes
    ) -> dict[str, Any]:
        """Return `text`, what is said."""
        del top_k, payload
        said = self._decoder.of_probabilities(outputs[_SCORES])
        return {"text": alphabet.text(said, self._symbols).strip()}

    def agreement(self, own: np.ndarray, found: np.ndarray) -> float:
        """Return the share of steps with the same answer."""
        return scores.same_class(own, found)

    def endpoints(
        self, model: ServedNetwork, *, temperature: float
    ) -> dict[str, Endpoint]:
        """Return the endpoints for WAV files and for rows of samples.

        `serving_default` takes `wav_bytes`, tf.string [n]: WAV files up to `--seconds`
        long, of any rate of `utterances_in_graph.rates` and number of channels. It
        returns text, tf.string [n]; probabilities [n, rows, symbols + 1], the last that
        of the blank; and valid, bool [n]. `rows` takes what `SpeechInputs.spec` says
        and returns the probabilities.
        """
        width = self._utterances.samples_per_row

        def answer_rows(rows: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
            return {_SCORES: _probabilities(model, rows, mask, temperature)}

        def inputs_of(rows: tf.Tensor) -> Inputs:
            return {ROWS: rows, MASK: tf.ones(tf.shape(rows)[:1], tf.int32)}

        def answer(inputs: Inputs, valid: tf.Tensor) -> dict[str, tf.Tensor]:
            found = _probabilities(model, inputs[ROWS], inputs[MASK], temperature)
            found = tf.where(valid[:, None, None], found, 0.0)
            return {"text": self._texts(found), _SCORES: found}

        blank = {ROWS: tf.zeros([1, width]), MASK: tf.zeros([1], tf.int32)}
        rows = self._utterances.in_rows(self._silence())[None]
        return {
            "serving_default": self._of_files(inputs_of, blank, answer),
            _TENSORS: Endpoint(
                answer_rows,
                signature={
                    ROWS: tf.TensorSpec([None, None, width], tf.float32),
                    MASK: tf.TensorSpec([None, None], tf.int32),
                },
                request={ROWS: rows, MASK: np.ones(rows.shape[:2], np.int32)},
                notes=_NOTES,
                magnified=_MAGNIFIED,
            ),
        }

    def _texts(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Return what is said, tf.string [n]."""
        signs = tf.constant([alphabet.sign_of(name) for name in self._symbols.names])
        said = ctc_decoding.greedy_in_graph(probabilities)
        spelled = tf.ragged.map_flat_values(lambda ids: tf.gather(signs, ids), said)
        return tf.strings.strip(tf.strings.reduce_join(spelled, axis=-1))

    def _preprocessing(self) -> str:
        signs = "".join(map(alphabet.sign_of, self._symbols.names))
        return (
            "The others take the rows, and answer with probabilities of the symbols "
            "and, last, of the blank: of the likeliest at each row, repeats are one, "
            f"and blanks are nothing. Symbols: {signs!r}."
        )

    def _limits(self) -> Sequence[str]:
        return ("It knows no words, only how they are spelled by their sound.",)


def _probabilities(
    model: ServedNetwork, rows: tf.Tensor, mask: tf.Tensor, temperature: float
) -> tf.Tensor:
    """Return those of rows, [n, rows, symbols + 1], zeros for what fills up."""
    logits = model({ROWS: rows, MASK: mask}, training=False)
    # LiteRT knows no new axes among slices.
    is_real = tf.expand_dims(tf.cast(mask > 0, tf.float32), -1)
    return tf.nn.softmax(logits / temperature) * is_real
