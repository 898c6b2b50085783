"""Sounds that are made up, always the same, to check exports by."""

from collections.abc import Sequence

import numpy as np

from kft.data.audio import inline_sounds


def make(count: int, *, rates: Sequence[int], seconds: float) -> list[bytes]:
    """Return WAV files: tones in noise.

    Args:
        count: how many.
        rates: of their samples, in turn.
        seconds: of the longest; the shortest have a tenth of it.
    """
    rng, found = np.random.default_rng(0), []
    for number in range(count):
        rate = rates[number % len(rates)]
        times = np.arange(int(rate * rng.uniform(0.1, 1) * seconds)) / rate
        tone = np.sin(2 * np.pi * rng.uniform(80, rate / 4) * times)
        noise = rng.normal(0, 0.05, len(times))
        samples = rng.uniform(0.05, 0.9) * tone + noise
        found.append(inline_sounds.wav(samples.astype(np.float32), rate))
    return found
