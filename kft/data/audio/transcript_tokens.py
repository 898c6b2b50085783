"""Tokens that transcripts are spelled with, and what stands around a text of them."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from kft import errors
from kft.data import hub_json
from kft.data.text import byte_bpe, hub_tokenizer
from kft.data.text.hub_tokenizer import HubTokenizer

# What a folder has of them: as kft keeps it in a run, and what is never written as
# CTranslate2 and Hugging Face have it.
_TOKENIZER, _RULES = "tokenizer.json", "writing_rules.json"
_OTHER_RULES = ("generation_config.json", "config.json")
_SUPPRESSED = ("suppress_ids", "suppress_tokens")
_SUPPRESSED_FIRST = ("suppress_ids_begin", "begin_suppress_tokens")
# Tokens of Whisper (tokenizer.py there) by their names.
_START, _END, _NO_TIMES = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"
_TRANSCRIBE = "<|transcribe|>"


@dataclasses.dataclass(frozen=True)
class TranscriptTokens:
    """How texts become tokens, and tokens texts.

    Attributes:
        tokenizer: a byte-level BPE.
        begin: tokens before every text, which are given and not written.
        end: token behind every text, above those of texts.
        suppressed: tokens that are never written.
        suppressed_first: tokens that no text begins with, besides.
    """

    tokenizer: HubTokenizer
    begin: tuple[int, ...]
    end: int
    suppressed: tuple[int, ...] = ()
    suppressed_first: tuple[int, ...] = ()

    def ids(self, text: str) -> np.ndarray:
        """Return the tokens of a text with those around it, int32 [tokens].

        A blank is put before the text, as Whisper writes it.
        """
        (pieces,) = self.tokenizer.pieces([f" {text}"])
        return np.array([*self.begin, *pieces, self.end], np.int32)

    def suppressed_of(self, vocabulary: int) -> tuple[int, ...]:
        """Return what is never written of so many tokens.

        That is also what follows the last token of texts: languages, and times.
        """
        return tuple(sorted({*self.suppressed, *range(self.end + 1, vocabulary)}))

    def text(self, ids: np.ndarray) -> str:
        """Return the text of tokens, int [tokens]; those around it are nothing."""
        spelled = b"".join(self.spellings[number] for number in ids[ids < self.end])
        return spelled.decode("utf-8", "replace").strip()

    @functools.cached_property
    def spellings(self) -> tuple[bytes, ...]:
        """Return the bytes of each token up to the last; a text has those below it.

        A token may end within a character.
        """
        numbers = {sign: n for n, sign in enumerate(byte_bpe.byte_characters())}
        texts = self.tokenizer.vocabulary[: self.end]
        return (*(bytes(numbers[sign] for sign in one) for one in texts), b"")

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, as JSON can hold it."""
        rules = dataclasses.asdict(self)
        return {**rules, "tokenizer": self.tokenizer.content}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TranscriptTokens":
        """Return what `to_json` wrote."""
        lists = ("begin", "suppressed", "suppressed_first")
        return cls(
            tokenizer=HubTokenizer(values["tokenizer"]),
            end=values["end"],
            **{name: tuple(values[name]) for name in lists},
        )

    def files(self) -> dict[str, bytes]:
        """Return what a run keeps of them, by the names of files; see `read_kept`."""
        rules = self.to_json()
        content = rules.pop("tokenizer")
        return {_TOKENIZER: content.encode(), _RULES: json.dumps(rules).encode()}


def read_kept(folder: Traversable) -> TranscriptTokens:
    """Return the tokens that a run has kept.

    Raises:
        errors.RunDirError: where they cannot be read.
    """
    try:
        content = folder.joinpath(_TOKENIZER).read_bytes().decode()
        rules = json.loads(folder.joinpath(_RULES).read_bytes())
        return TranscriptTokens.from_json({**rules, "tokenizer": content})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.RunDirError(
            f"{folder} does not have the tokens of the run ({error}): copy the whole "
            "run folder again, or train again in another one."
        ) from error


def read(folder: Traversable, flag: str, *, language: str | None) -> TranscriptTokens:
    """Return the tokens of a folder, of CTranslate2 or of Hugging Face.

    Args:
        folder: has tokenizer.json, and what is never written in one of the files of
            rules.
        flag: what names it, for messages.
        language: code of the language of texts, such as de; None for a network that
            knows one alone.

    Raises:
        errors.ConfigError: where they cannot be read, or have no such language.
    """
    tokenizer = hub_tokenizer.read(folder.joinpath(_TOKENIZER), flag)
    numbers = {name: number for number, name in enumerate(tokenizer.vocabulary)}
    missing = [one for one in (_START, _END, _NO_TIMES) if one not in numbers]
    if missing:
        raise errors.ConfigError(
            f"{flag}: expected the tokens of a Whisper in {_TOKENIZER}; these are "
            f"missing: {', '.join(missing)}."
        )
    rules = _rules(folder, flag)
    begin = (_START, *_of_language(numbers, language, flag), _NO_TIMES)
    return TranscriptTokens(
        tokenizer=tokenizer,
        begin=tuple(numbers[one] for one in begin),
        end=numbers[_END],
        suppressed=_first_of(rules, _SUPPRESSED),
        suppressed_first=_first_of(rules, _SUPPRESSED_FIRST),
    )


def _of_language(
    numbers: Mapping[str, int], language: str | None, flag: str
) -> tuple[str, ...]:
    """Return the tokens that name a language; none where there is only one."""
    if language is None:
        return ()
    name = f"<|{language}|>"
    if name not in numbers or _TRANSCRIBE not in numbers:
        raise errors.ConfigError(
            f"--language={language}: expected the code of a language that {flag} "
            "writes, such as en or de."
        )
    return name, _TRANSCRIBE


def _rules(folder: Traversable, flag: str) -> Mapping[str, Any]:
    """Return what files of a folder say of writing, the first of them first."""
    found: dict[str, Any] = {}
    for name in _OTHER_RULES:
        path = folder.joinpath(name)
        if path.is_file():
            found = {**hub_json.read(path, flag), **found}
    return found


def _first_of(rules: Mapping[str, Any], names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(next((rules[one] for one in names if rules.get(one)), ()))
