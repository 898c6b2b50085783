"""Sounds that are made, and weights that are random, for tests."""

import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

RATE = 8_000


def tone(
    hertz: float, seconds: float, *, rate: int = RATE, seed: int = 0, level: float = 0.3
) -> np.ndarray:
    """Return a tone with some noise, float32 [samples]."""
    times = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0.0, 0.01, len(times))
    return (level * np.sin(2 * math.pi * hertz * times) + noise).astype(np.float32)


def encoded(
    samples: np.ndarray, *, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV"
) -> bytes:
    """Return samples [n] or [n, channels] as a file."""
    content = io.BytesIO()
    soundfile.write(content, samples, rate, subtype=subtype, format=kind)
    return content.getvalue()


def folder_of_tones(folder: Path, *, count: int = 24, seconds: float = 0.9) -> Path:
    """Write low and high tones, `count` of each, into folders of these names."""
    for name, hertz in (("low", 300.0), ("high", 1500.0)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            samples = tone(hertz * (1 + 0.01 * number), seconds, seed=number)
            (folder / name / f"{number}.wav").write_bytes(encoded(samples))
    return folder


def random_numbers(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return numbers of these shapes, each by its name, always the same."""
    found = {}
    for name in sorted(shapes):
        shape = shapes[name]
        rng = np.random.default_rng(list(name.encode()))
        if len(shape) == 1:
            found[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            size = 1.4 / math.sqrt(math.prod(shape[1:]))
            found[name] = rng.normal(0.0, size, shape).astype(np.float32)
    return found


def sweep(seconds: float, *, rate: int = 16_000) -> np.ndarray:
    """Return a rising tone that is loud in the middle, float32 [samples]."""
    times = np.arange(round(seconds * rate)) / rate
    phase = 2 * math.pi * (200.0 * times + 1200.0 * times**2)
    loudness = 0.4 * np.exp(-(((times - seconds / 2) / (seconds / 4)) ** 2))
    noise = np.random.default_rng(0).normal(0.0, 0.003, len(times))
    return (loudness * np.sin(phase) + noise).astype(np.float32)
