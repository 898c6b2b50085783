"""Random numbers in NumPy that follow from keys, and from nothing else."""

import numpy as np


def uniforms(keys: np.ndarray, count: int) -> np.ndarray:
    """Return numbers that are uniform in [0, 1) and follow from keys, float64.

    Args:
        keys: int64 [..., 2].
        count: how many for each key.

    Returns:
        [..., count]: the outputs of SplitMix64 (Steele et al., Fast Splittable
        Pseudorandom Number Generators, 2014) from a state that both numbers decide.
    """
    words = keys.astype(np.int64).view(np.uint64)
    state = _finish(_finish(words[..., :1]) ^ words[..., 1:])
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_finish(state + steps) >> np.uint64(11)) * 2.0**-53


def _finish(words: np.ndarray) -> np.ndarray:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = words ^ (words >> np.uint64(31))
    return mixed
