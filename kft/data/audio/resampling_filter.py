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
# Samples that come out of a row of a product of matrices, about at least.
_WIDE = 128
# Multiplications of one product. OpenBLAS makes threads for more, and those of many
# sounds at once are in each other's way.
_OF_ONE_THREAD = 2**18
# A filter of more numbers is not measured: it has no place in a graph.
_MOST_NUMBERS = 2_000_000
# Samples that the filter reaches over, both sides together, at the lower of two rates.
_REACH = 300


@dataclasses.dataclass(frozen=True, eq=False)
class ResamplingFilter:
    """A filter bank: `up` samples come out for every `down` that go in.

    Attributes:
        numbers: [taps, up]. The samples of a block of `down` that begins at j
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


def is_small(rate: int, to: int) -> bool:
    """Return whether the filter between two rates is small enough to be measured.

    Between two of the usual rates it is. Where the rates have no large divisor in
    common, such as 16,000 and 44,056, it has tens of millions of numbers.
    """
    up, down = _ratio(rate, to)
    return up * (down + _REACH * max(1.0, down / up)) <= _MOST_NUMBERS


def _ratio(rate: int, to: int) -> tuple[int, int]:
    """Return how many samples come out for how many that go in."""
    common = math.gcd(rate, to)
    return to // common, rate // common


@functools.cache
def measure(rate: int, to: int) -> ResamplingFilter:
    """Return the filter that soxr applies from one rate to another.

    It has to be small, see `is_small`.

    Raises:
        errors.ConfigError: where soxr is not installed.
    """
    soxr = AUDIO.require("soxr")
    up, down = _ratio(rate, to)
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


@functools.cache
def _wide(rate: int, to: int) -> ResamplingFilter:
    """Return the filter as one whose blocks are several of its own, float64.

    Of narrow blocks, which overlap by almost all, copying takes most of the time.
    """
    bank = measure(rate, to)
    count = max(1, _WIDE // bank.up)
    taps, up = bank.numbers.shape
    numbers = np.zeros([taps + (count - 1) * bank.down, count * up])
    for block in range(count):
        rows = slice(block * bank.down, block * bank.down + taps)
        numbers[rows, block * up : (block + 1) * up] = bank.numbers
    return ResamplingFilter(numbers, bank.first, count * bank.down)


def apply(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Return samples [n] at another rate, float32 [ceil(n * to / rate)].

    The same numbers as in a graph; soxr itself rounds otherwise, which shows where a
    network takes logarithms of what is almost silent. Rates that no graph can resample,
    see `is_small`, are left to soxr.
    """
    if rate == to:
        return samples.astype(np.float32)
    if not is_small(rate, to):
        return _by_soxr(samples, rate, to)
    bank = _wide(rate, to)
    taps, up = bank.numbers.shape
    length = -(-len(samples) * up // bank.down)
    blocks, before = -(-length // up), max(0, -bank.first)
    reach = (blocks - 1) * bank.down + taps
    after = max(0, reach - before - len(samples))
    padded = np.pad(samples.astype(np.float32), (before, after))
    seen = np.lib.stride_tricks.sliding_window_view(padded, taps)[:: bank.down]
    rows = max(1, _OF_ONE_THREAD // bank.numbers.size)
    found = np.empty([blocks, up], np.float32)
    for begin in range(0, blocks, rows):
        found[begin : begin + rows] = (
            seen[begin : begin + rows].astype(np.float64) @ bank.numbers
        )
    return found.reshape(-1)[:length]


def _by_soxr(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    up, down = _ratio(rate, to)
    length = -(-len(samples) * up // down)
    # soxr 1.1 errs in the first samples: these are silence, of a whole block.
    around = math.ceil(_REACH * max(1.0, rate / to))
    padded = np.pad(samples.astype(np.float32), (down, around))
    found = AUDIO.require("soxr").resample(padded, rate, to, quality="HQ")
    kept: np.ndarray = found[up : up + length]
    return np.pad(kept, (0, length - len(kept)))
