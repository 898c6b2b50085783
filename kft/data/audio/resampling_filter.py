"""The filter of soxr as numbers, for graphs that have to resample as it does.

soxr is linear and treats all samples alike, so what it makes of single samples says
what it makes of every sound.
"""

import dataclasses
import functools
import math

import numpy as np

from kft.data.audio.audio_extra import AUDIO

# Numbers of the filter below this share of its largest are left out at both ends.
_SMALL = 1e-7
_MOST_BLOCKS = 4096
# Blocks that are computed together, which bounds memory.
_CHUNK = 2048


@dataclasses.dataclass(frozen=True, eq=False)
class ResamplingFilter:
    """A filter bank: `up` samples come out for every `down` that go in.

    Attributes:
        numbers: float32 [taps, up]. The samples of a block of `down` that begins at j
            give the sum over k of x[j + first + k] * numbers[k].
        first: at which sample the taps begin, counted from the block's first one.
        down: samples that a block goes on by.
    """

    numbers: np.ndarray
    first: int
    down: int

    @property
    def up(self) -> int:
        """Return the samples that come out of a block."""
        up: int = self.numbers.shape[1]
        return up


@functools.cache
def measure(rate: int, to: int) -> ResamplingFilter:
    """Return the filter that soxr applies from one rate to another.

    Raises:
        errors.ConfigError: where soxr is not installed.
    """
    soxr = AUDIO.require("soxr")
    common = math.gcd(rate, to)
    up, down = to // common, rate // common
    # A sample in the middle of silence long enough for the filter, whose taps are about
    # as many as samples go into 300 that come out.
    blocks = min(_MOST_BLOCKS, 2 * math.ceil(600 * max(1.0, down / up) / down) + 2)
    middle = blocks // 2
    impulses = np.zeros([blocks * down, down], np.float32)
    impulses[middle * down + np.arange(down), np.arange(down)] = 1.0
    found = soxr.resample(impulses, rate, to, quality="HQ")[: blocks * up]
    found = np.pad(found, ((0, blocks * up - len(found)), (0, 0)))
    # Sample r of the middle block is one of k = r + (middle - j) * down for block j.
    of_block = found.reshape(blocks, up, down)[::-1]
    taps = of_block.transpose(0, 2, 1).reshape(blocks * down, up)
    first = (middle - blocks + 1) * down
    used = np.flatnonzero(np.abs(taps).max(axis=1) > _SMALL * np.abs(taps).max())
    begin, end = int(used[0]), int(used[-1]) + 1
    return ResamplingFilter(taps[begin:end].astype(np.float32), first + begin, down)


def apply(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Return samples [n] at another rate, float32 [ceil(n * to / rate)].

    The same numbers as in a graph but for rounding; soxr itself rounds otherwise, which
    shows where a network takes logarithms of what is almost silent.
    """
    if rate == to:
        return samples.astype(np.float32)
    bank = measure(rate, to)
    taps, up = bank.numbers.shape
    length = -(-len(samples) * up // bank.down)
    blocks, before = -(-length // up), max(0, -bank.first)
    reach = (blocks - 1) * bank.down + taps
    after = max(0, reach - before - len(samples))
    padded = np.pad(samples.astype(np.float64), (before, after))
    seen = np.lib.stride_tricks.sliding_window_view(padded, taps)[:: bank.down]
    found = [
        (seen[begin : begin + _CHUNK] @ bank.numbers).astype(np.float32)
        for begin in range(0, blocks, _CHUNK)
    ]
    return np.concatenate(found).reshape(-1)[:length]
