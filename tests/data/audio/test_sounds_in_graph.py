"""What an export makes of a WAV, against what training makes of it."""

import numpy as np
import pytest
import tensorflow as tf

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

from kft.data.audio import audio_decode, wav_in_graph, windows_in_graph  # noqa: E402
from kft.data.audio.windows import Windows  # noqa: E402

WINDOWS = Windows(sample_rate=16_000, seconds=1.0)

TONE = sounds.tone(300, 0.5)


def _read(content: bytes, windows: Windows = WINDOWS) -> np.ndarray:
    samples, rate = wav_in_graph.decode(tf.constant(content))
    return windows_in_graph.read(samples, rate, windows).numpy()


@pytest.mark.parametrize("rate", windows_in_graph.rates(WINDOWS))
@pytest.mark.parametrize("seconds", [0.4, 1.7])
def test_it_resamples_as_training_does(rate: int, seconds: float) -> None:
    rng = np.random.default_rng(rate)
    noise = rng.uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)
    content = sounds.encoded(noise, rate=rate, subtype="FLOAT")
    found, expected = _read(content), audio_decode.decode(content, WINDOWS)[0]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]
)
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_it_reads_samples_of_any_width_and_channels(subtype: str, kind: str) -> None:
    left, right = sounds.tone(300, 0.7), sounds.tone(900, 0.7, seed=1)
    content = sounds.encoded(np.stack([left, right], 1), subtype=subtype, kind=kind)
    expected = audio_decode.decode(content, WINDOWS)[0]
    np.testing.assert_allclose(_read(content), expected, atol=1e-6)


def test_it_spreads_windows_as_training_does() -> None:
    for count, margin, seconds in ((3, 0.0, 5.3), (4, 0.2, 1.5), (2, 0.1, 0.3)):
        windows = Windows(16_000, 1.0, count=count, margin=margin)
        content = sounds.encoded(sounds.sweep(seconds), rate=16_000)
        edge = windows.margin_samples
        expected = audio_decode.decode(content, windows)[:, edge : edge + 16_000]
        np.testing.assert_allclose(
            _read(content, windows), expected.reshape(-1), atol=1e-6
        )


def test_it_reads_a_file_that_ends_early_and_passes_over_other_chunks() -> None:
    content = sounds.encoded(sounds.tone(300, 0.5))
    half = content[: len(content) // 2 + 1]
    expected = audio_decode.decode(half, WINDOWS)[0]
    np.testing.assert_allclose(_read(half), expected, atol=1e-6)
    chunk = b"LIST" + (3).to_bytes(4, "little") + b"abc\0"
    more = content[:12] + chunk + content[12:]
    np.testing.assert_allclose(_read(more), _read(content), atol=0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"these are words",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff" + bytes(8),
        sounds.encoded(sounds.tone(300, 0.5))[:44],
        sounds.encoded(sounds.tone(300, 0.5), rate=7_001),
        sounds.encoded(np.float32([np.nan] * 9), subtype="FLOAT"),
        sounds.encoded(sounds.tone(300, 0.5), subtype="ULAW"),
        sounds.encoded(sounds.tone(300, 0.5), kind="FLAC"),
        sounds.encoded(np.stack([TONE, -TONE], axis=1)),
    ],
    ids=[
        *("empty", "text", "head", "no-format", "none", "rate", "nan", "ulaw", "flac"),
        "opposite",
    ],
)
def test_it_refuses_what_it_cannot_read(content: bytes) -> None:
    with pytest.raises(tf.errors.OpError):
        _read(content)
