"""WordPiece: text to token ids, as BERT does it, by the package `tokenizers`.

Text is cleaned, split into words and punctuation, and each word into the longest pieces
that the vocabulary has (Wu et al., arXiv 1609.08144, section 4.1). What looks like a
special token, such as [SEP], is text like any other.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from kft import errors
from kft.data.text.text_extra import TEXT

TOKENIZER = "tokenizer.json"
VOCABULARY = "vocab.txt"
_TOKENIZER_CONFIG = "tokenizer_config.json"
# All that `read` looks at; not each of them has to be there.
FILES = (TOKENIZER, VOCABULARY, _TOKENIZER_CONFIG)
# A part of tokenizer.json -> the only type of it that is read here.
_TYPES = {
    "normalizer": "BertNormalizer",
    "pre_tokenizer": "BertPreTokenizer",
    "model": "WordPiece",
}


@dataclasses.dataclass(frozen=True)
class WordPiece:
    """All that decides which tokens a text becomes.

    Attributes:
        vocabulary: tokens by their id; those within a word begin with ##.
        lowercase: whether text is made lower case.
        strip_accents: whether accents are taken off.
        clean_text: whether control characters are taken out.
        split_chinese: whether each Chinese character is a word.
        max_word_length: characters of a word; a longer one is unknown.
        unknown: stands for a word without pieces.
        begin: token before a text.
        end: token after it.
    """

    vocabulary: tuple[str, ...]
    lowercase: bool = True
    strip_accents: bool = True
    clean_text: bool = True
    split_chinese: bool = True
    max_word_length: int = 100
    unknown: str = "[UNK]"
    begin: str = "[CLS]"
    end: str = "[SEP]"

    @functools.cached_property
    def ids(self) -> Mapping[str, int]:
        """Return the id of each token."""
        return {token: number for number, token in enumerate(self.vocabulary)}

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, as JSON can hold it."""
        return {**dataclasses.asdict(self), "vocabulary": list(self.vocabulary)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "WordPiece":
        """Return what `to_json` wrote."""
        return cls(**{**values, "vocabulary": tuple(values["vocabulary"])})

    @functools.cached_property
    def digest(self) -> str:
        """Return a digest of all of it."""
        content = json.dumps(self.to_json(), sort_keys=True).encode()
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    @functools.cached_property
    def _tokenizer(self) -> Any:
        tokenizers = TEXT.require("tokenizers")
        tokenizer = tokenizers.Tokenizer(
            tokenizers.models.WordPiece(
                dict(self.ids),
                unk_token=self.unknown,
                max_input_chars_per_word=self.max_word_length,
            )
        )
        tokenizer.normalizer = self.normalizer
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        return tokenizer

    def tokenizer_json(self, *, max_length: int) -> str:
        """Return all of it as a tokenizer.json; see `TextTokenizer`."""
        tokenizers = TEXT.require("tokenizers")
        whole = tokenizers.Tokenizer.from_str(self._tokenizer.to_str())
        whole.post_processor = tokenizers.processors.BertProcessing(
            (self.end, self.ids[self.end]), (self.begin, self.ids[self.begin])
        )
        whole.enable_truncation(max_length)
        found: str = whole.to_str()
        return found

    @functools.cached_property
    def normalizer(self) -> Any:
        """Return what cleans a text, a `tokenizers.normalizers.BertNormalizer`."""
        tokenizers = TEXT.require("tokenizers")
        return tokenizers.normalizers.BertNormalizer(
            clean_text=self.clean_text,
            handle_chinese_chars=self.split_chinese,
            strip_accents=self.strip_accents,
            lowercase=self.lowercase,
        )

    @property
    def begin_ids(self) -> tuple[int, ...]:
        """Return the id before a text."""
        return (self.ids[self.begin],)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Return the id behind a text."""
        return (self.ids[self.end],)

    @property
    def between_ids(self) -> tuple[int, ...]:
        """Return the id between two texts, which is that behind them."""
        return self.end_ids

    @property
    def unknown_id(self) -> int:
        """Return the id that stands for a word without pieces."""
        return self.ids[self.unknown]

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of texts alone, without begin and end.

        Raises:
            errors.ConfigError: where the package is not installed.
        """
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        return [encoding.ids for encoding in encoded]

    def places(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the pieces of texts stand, in characters."""
        encoded = self._tokenizer.encode_batch(list(texts))
        return [encoding.offsets for encoding in encoded]

    def word_pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Return the ids of words, which are the same wherever these stand."""
        return self.pieces(words)

    def decode(self, ids: np.ndarray) -> str:
        """Return tokens as a text for people, begin and end left out."""
        words: list[str] = []
        for token in (self.vocabulary[number] for number in ids):
            if token.startswith("##") and words:
                words[-1] += token.removeprefix("##")
            elif token not in (self.begin, self.end):
                words.append(token)
        return " ".join(words)


def read(folder: Traversable, flag: str) -> WordPiece:
    """Return the tokenizer of a folder as Hugging Face lays it out.

    Args:
        folder: has tokenizer.json, or vocab.txt and maybe tokenizer_config.json.
        flag: what names the folder, for messages.

    Raises:
        errors.ConfigError: where there is none, or it is no WordPiece of BERT's.
    """
    try:
        if folder.joinpath(TOKENIZER).is_file():
            values = json.loads(folder.joinpath(TOKENIZER).read_bytes())
            found = _of_tokenizer_json(values, flag)
        elif folder.joinpath(VOCABULARY).is_file():
            found = _of_vocabulary(folder)
        else:
            raise errors.ConfigError(
                f"{flag}: expected {TOKENIZER} or {VOCABULARY} in the folder; there is "
                "neither."
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.ConfigError(
            f"{flag}: its tokenizer cannot be read: {type(error).__name__}: {error}."
        ) from error
    _check(found, flag)
    return found


def _of_tokenizer_json(values: Mapping[str, Any], flag: str) -> WordPiece:
    for part, expected in _TYPES.items():
        received = (values[part] or {}).get("type")
        if received != expected:
            raise errors.ConfigError(
                f"{flag}: expected the {part} {expected} in {TOKENIZER}, received "
                f"{received}."
            )
    model, normalizer = values["model"], values["normalizer"]
    if model["continuing_subword_prefix"] != "##":
        raise errors.ConfigError(
            f"{flag}: expected pieces that begin with '##' in {TOKENIZER}, received "
            f"{model['continuing_subword_prefix']!r}."
        )
    vocabulary = sorted(model["vocab"], key=model["vocab"].get)
    if [model["vocab"][token] for token in vocabulary] != list(range(len(vocabulary))):
        raise errors.ConfigError(
            f"{flag}: expected the ids 0 to {len(vocabulary) - 1} in {TOKENIZER}, each "
            "once."
        )
    strip_accents = normalizer["strip_accents"]
    return WordPiece(
        vocabulary=tuple(vocabulary),
        lowercase=normalizer["lowercase"],
        strip_accents=(
            normalizer["lowercase"] if strip_accents is None else strip_accents
        ),
        clean_text=normalizer["clean_text"],
        split_chinese=normalizer["handle_chinese_chars"],
        max_word_length=model["max_input_chars_per_word"],
        unknown=model["unk_token"],
    )


def _of_vocabulary(folder: Traversable) -> WordPiece:
    text = folder.joinpath(VOCABULARY).read_bytes().decode("utf-8")
    vocabulary = tuple(text.removesuffix("\n").replace("\r\n", "\n").split("\n"))
    path, values = folder.joinpath(_TOKENIZER_CONFIG), {}
    if path.is_file():
        values = json.loads(path.read_bytes())
    lowercase = bool(values.get("do_lower_case", True))
    strip_accents = values.get("strip_accents")
    return WordPiece(
        vocabulary=vocabulary,
        lowercase=lowercase,
        strip_accents=lowercase if strip_accents is None else bool(strip_accents),
        split_chinese=bool(values.get("tokenize_chinese_chars", True)),
    )


def _check(found: WordPiece, flag: str) -> None:
    if len(found.ids) < len(found.vocabulary):
        raise errors.ConfigError(f"{flag}: expected each token once in its vocabulary.")
    special = (found.unknown, found.begin, found.end)
    missing = [token for token in special if token not in found.ids]
    if missing:
        raise errors.ConfigError(
            f"{flag}: these tokens are missing from its vocabulary: "
            f"{', '.join(missing)}."
        )
