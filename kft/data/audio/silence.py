"""Sounds in which nothing is to be heard: files that a muted microphone left.

A sound is read only until something is heard in it.
"""

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kft import errors
from kft.data.audio import audio_decode
from kft.data.examples import Examples, Splits

# One step of 16 bits, -90 dB: what dither makes of silence, and no more.
_QUIETEST = 2.0**-15
_BLOCK = 4096
# Sounds of a split that are looked at, and names of silent ones that are shown.
_MOST, _SHOWN = 1_000, 5
# From the samples and the rate of a sound: first sample and count of each part.
Parts = Callable[[int, int], Sequence[tuple[int, int]]]


def whole(total: int, rate: int) -> Sequence[tuple[int, int]]:
    """Return all of a sound as its only part."""
    del rate
    return [(0, total)]


def cautions(splits: Splits, parts: Parts) -> Iterator[str]:
    """Yield a sentence on the silent sounds of each split that has some.

    Of a large split some are looked at, evenly spread. Sounds that cannot be read are
    left to who reads them all.

    Args:
        splits: of encoded sounds.
        parts: of a sound that the network reads.
    """
    for split, examples in splits.parts().items():
        sentence = _caution(examples, split, parts)
        if sentence:
            yield sentence


def _caution(examples: Examples, split: str, parts: Parts) -> str:
    from kft.data import sample

    looked = sample.spread(examples, _MOST)
    silent = [
        str(name)
        for name, payload in zip(looked.ids, sample.readable(looked), strict=True)
        if is_silent(payload, parts)
    ]
    if not silent:
        return ""
    of_all = (
        "" if len(looked) == len(examples) else f" looked at, of {len(examples):,},"
    )
    return (
        f"{len(silent):,} of {len(looked):,} {split} sounds{of_all} are silence in all "
        f"that is read of them ({errors.listed(silent, most=_SHOWN)}). Unless their "
        "labels mean silence, remove them, or record them again."
    )


def is_silent(content: bytes, parts: Parts) -> bool:
    """Return whether no sample is above one step of 16 bits; False for no sound.

    Args:
        content: an encoded sound.
        parts: of it that count.
    """
    try:
        with audio_decode.opened(io.BytesIO(content)) as sound:
            for first, count in parts(audio_decode.frames(sound), sound.samplerate):
                sound.seek(first)
                for block in sound.blocks(_BLOCK, frames=count, dtype="float32"):
                    if np.abs(block).max(initial=0.0) > _QUIETEST:
                        return False
    except errors.DataError:
        return False
    return True
