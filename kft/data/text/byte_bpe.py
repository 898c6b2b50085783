"""Byte-level BPE as tables: what a graph needs to do what `tokenizers` does.

As GPT-2 has it (Radford et al., 2019): a text is split into words, with the blank
before them; of the bytes of a word the pair that was merged first in training is
merged, again and again.
"""

import dataclasses
import functools
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np

from kft.data.text.hub_tokenizer import HubTokenizer

# Kinds of characters that words are split by.
SPACE, LETTER, NUMBER, OTHER = range(4)
_CHARACTERS = 0x110000
_SPACES = (
    *range(0x09, 0x0E),
    *(0x20, 0x85, 0xA0, 0x1680),
    *range(0x2000, 0x200B),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)
_KINDS = {"L": LETTER, "N": NUMBER}


@dataclasses.dataclass(frozen=True, eq=False)
class ByteBpe:
    """The tables of a tokenizer.

    Attributes:
        byte_ids: int32 [256], the token of each byte.
        pairs: int64 [merges], ascending, left * size + right of tokens that are merged.
        ranks: int32 [merges], which is merged first.
        merged: int32 [merges], what they become.
        size: above every token id.
        begins_with_blank: whether a blank is put before a text.
        splits_digits: whether each digit is a word.
    """

    byte_ids: np.ndarray
    pairs: np.ndarray
    ranks: np.ndarray
    merged: np.ndarray
    size: int
    begins_with_blank: bool
    splits_digits: bool


@functools.cache
def of(tokenizer: HubTokenizer) -> ByteBpe | None:
    """Return the tables of a tokenizer, None for one that is no byte-level BPE."""
    values = json.loads(tokenizer.content)
    model, steps = values["model"], _steps(values.get("pre_tokenizer"))
    if model.get("type") != "BPE" or values.get("normalizer") or steps is None:
        return None
    if model.get("byte_fallback") or model.get("dropout") or model.get("ignore_merges"):
        return None
    vocabulary: Mapping[str, int] = model["vocab"]
    byte_ids = [vocabulary.get(character) for character in byte_characters()]
    if None in byte_ids:
        return None
    size = max(vocabulary.values()) + 1
    pairs, merged = [], []
    for merge in model["merges"]:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        pairs.append(vocabulary[left] * size + vocabulary[right])
        merged.append(vocabulary[left + right])
    order = np.argsort(pairs, kind="stable")
    return ByteBpe(
        byte_ids=np.array(byte_ids, np.int32),
        pairs=np.array(pairs, np.int64)[order],
        ranks=order.astype(np.int32),
        merged=np.array(merged, np.int32)[order],
        size=size,
        begins_with_blank=steps[0],
        splits_digits=steps[1],
    )


def _steps(given: Any) -> tuple[bool, bool] | None:
    """Return whether a blank is put first, and whether digits are split."""
    steps = given.get("pretokenizers", [given]) if isinstance(given, dict) else []
    splits_digits = False
    if steps and steps[0].get("type") == "Digits" and steps[0].get("individual_digits"):
        splits_digits, steps = True, steps[1:]
    if len(steps) != 1 or steps[0].get("type") != "ByteLevel":
        return None
    if not steps[0].get("use_regex", True):
        return None
    return bool(steps[0].get("add_prefix_space", True)), splits_digits


def byte_characters() -> list[str]:
    """Return the characters that stand for bytes 0 to 255 in a vocabulary.

    Those that can be seen are themselves; the others follow from U+0100 on.
    """
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in seen else chr(next(others)) for byte in range(256)]


@functools.cache
def kind_ranges() -> tuple[np.ndarray, np.ndarray]:
    """Return where characters of one kind begin, and that kind; int32 [ranges] each."""
    kinds = np.array(
        [
            _KINDS.get(unicodedata.category(chr(code))[0], OTHER)
            for code in range(_CHARACTERS)
        ],
        np.int32,
    )
    kinds[list(_SPACES)] = SPACE
    starts = np.flatnonzero(np.diff(kinds, prepend=-1))
    return starts.astype(np.int32), kinds[starts]
