"""From the outputs for a sound to its text, as a run's options say."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kft import errors
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.data.ragged import Ragged
from kft.metrics import scores
from kft.tasks.speech_recognition import (
    bigram,
    ctc_decoding,
    prefix_beam_search,
    text_scorers,
    word_list,
)
from kft.tasks.speech_recognition.prefix_beam_search import Scorer

# In the folder of what a run keeps of its backbone.
_MODEL = "language_model.json"
# A symbol that is less likely than that at a step does not go on with a text there.
_LEAST = math.log(1e-4)
_TINY = 1e-30


class TextDecoder:
    """Says what is spelled: by a beam search, or by the likeliest symbol of each step.

    Attributes:
        is_greedy: whether it is the latter.
    """

    def __init__(
        self, *, width: int | None = None, scorers: Sequence[Scorer] = ()
    ) -> None:
        """Make a decoder; without a width, a greedy one."""
        self.is_greedy = width is None
        self._width = width
        self._scorers = scorers

    def of_logits(self, logits: np.ndarray) -> np.ndarray:
        """Return the symbols that are said, int [k].

        Args:
            logits: [steps, symbols + 1], the last that of the blank; steps of zeros
                only fill up a batch.
        """
        if self._width is None:
            return ctc_decoding.greedy(logits)
        real = logits[logits.any(axis=-1)]
        return self._searched(np.log(scores.softmax(real) + _TINY))

    def of_probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the same of probabilities, zeros at steps that only fill up."""
        if self._width is None:
            return ctc_decoding.greedy(probabilities)
        real = probabilities[probabilities.any(axis=-1)]
        return self._searched(np.log(real + _TINY))

    def _searched(self, logs: np.ndarray) -> np.ndarray:
        found = prefix_beam_search.best(
            logs, width=self._width or 1, scorers=self._scorers, least=_LEAST
        )
        return np.array(found, np.int64)


def of(
    config: SpeechRecognitionConfig, symbols: LabelMap, kept: Path | None
) -> TextDecoder:
    """Return the decoder of a run.

    Args:
        config: of the run.
        symbols: of its texts.
        kept: folder with its `kept_files`; None while it trains, which is greedy.

    Raises:
        errors.RunDirError: where a file is missing that its options need.
    """
    needs_files = config.language_model != "none" or config.word_list is not None
    if config.beam_width is None or (needs_files and kept is None):
        return TextDecoder()
    found: list[Scorer] = []
    if kept is not None and config.word_list is not None:
        words = _read(kept / word_list.KEPT).split("\n")
        found.append(text_scorers.WordList(words, symbols))
    if kept is not None and config.language_model != "none":
        pairs = {(a, b): n for a, b, n in json.loads(_read(kept / _MODEL))}
        options = {"weight": config.lm_weight, "bonus": config.length_bonus}
        if config.language_model == "words":
            words_model = bigram.of_words(pairs, len(symbols))
            found.append(text_scorers.WordScorer(words_model, symbols, **options))
        else:
            letters = bigram.of_characters(pairs, len(symbols))
            found.append(text_scorers.CharacterScorer(letters, symbols, **options))
    return TextDecoder(width=config.beam_width, scorers=found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.RunDirError(
            f"{path} cannot be read ({error}), by which the run decodes: copy the "
            "whole run folder again, or train again in another one."
        ) from error


def kept_files(config: SpeechRecognitionConfig, splits: Splits) -> dict[str, bytes]:
    """Return the language model and the list of words that a run decodes by.

    Raises:
        errors.ConfigError: where the alphabet can spell none of the words.
    """
    texts = list(_texts(splits))
    files = {}
    if config.language_model != "none":
        is_of_words = config.language_model == "words"
        pairs = bigram.count(one.split() if is_of_words else one for one in texts)
        rows = [[*pair, count] for pair, count in sorted(pairs.items())]
        files[_MODEL] = json.dumps(rows, ensure_ascii=False).encode()
    if config.word_list is not None:
        words: Iterable[str] = (word for one in texts for word in one.split())
        if config.word_list != word_list.TRAINING:
            words = word_list.read(config)
        signs = set(map(alphabet.sign_of, splits.labels.names))
        spelled = sorted({word for word in words if set(word) <= signs})
        if not spelled:
            raise errors.ConfigError(
                f"--word_list={config.word_list}: expected words of the characters "
                f"{''.join(sorted(signs))!r}; there is none."
            )
        files[word_list.KEPT] = "\n".join(spelled).encode()
    return files


def _texts(splits: Splits) -> Iterator[str]:
    labels = splits.train.labels
    if not isinstance(labels, Ragged):
        raise ValueError("expected a text for each sound")
    for row in range(len(labels)):
        yield alphabet.text(labels[row], splits.labels)
