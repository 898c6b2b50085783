"""Files that are hardly sounds: each is named with what is wrong, or read as stated."""

import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from kft import errors

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

from kft.data.audio import audio_decode  # noqa: E402
from kft.data.audio.windows import Windows  # noqa: E402

WINDOWS = Windows(sample_rate=16_000, seconds=1.0)
NAN = np.array([0.0, np.nan, 0.0] * 100, np.float32)
OPPOSITE = np.stack([sounds.tone(300, 0.5), -sounds.tone(300, 0.5)], axis=1)
WHOLE = sounds.encoded(sounds.tone(300, 0.5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a sound"),
        (b"these are words\n" * 40, "cannot be read as a sound: Format not recog"),
        (b"RIFF\x00\x00\x00\x00WAVE", "cannot be read as a sound"),
        (WHOLE[:44], "the sound has no samples"),
        (sounds.encoded(NAN, subtype="FLOAT"), "samples that are no numbers"),
        (sounds.encoded(OPPOSITE), "channels cancel each other"),
    ],
    ids=["empty", "text", "header", "no-samples", "nan", "opposite"],
)
def test_what_cannot_be_read_says_why(content: bytes, message: str) -> None:
    with pytest.raises(errors.DataError, match=message):
        audio_decode.decode(content, WINDOWS)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_samples_of_any_width_are_the_same_sound(subtype: str) -> None:
    samples = sounds.tone(300, 0.5)
    found = audio_decode.decode(sounds.encoded(samples, subtype=subtype), WINDOWS)
    expected = audio_decode.decode(sounds.encoded(samples, subtype="DOUBLE"), WINDOWS)
    assert np.abs(found - expected).max() < {"PCM_U8": 2e-2}.get(subtype, 1e-4)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF"])
def test_a_compressed_file_is_about_the_same_sound(kind: str) -> None:
    samples = sounds.tone(300, 0.9, rate=16_000)
    subtype = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(kind, "PCM_16")
    content = sounds.encoded(samples, rate=16_000, subtype=subtype, kind=kind)
    found = audio_decode.decode(content, WINDOWS)[0]
    expected = audio_decode.decode(sounds.encoded(samples, rate=16_000), WINDOWS)[0]
    difference = np.sqrt(np.mean((found - expected) ** 2))
    # MP3 begins with silence of its own.
    assert difference < {"MP3": 0.4}.get(kind, 0.02)


def test_a_file_that_ends_early_is_read_as_far_as_it_goes() -> None:
    half = WHOLE[: len(WHOLE) // 2]
    found = audio_decode.decode(half, WINDOWS)[0]
    assert 0.2 < np.mean(np.abs(found) > 1e-3) < 0.3


def test_a_sound_of_a_few_samples_lies_in_the_middle() -> None:
    click = sounds.encoded(np.full(80, 0.5, np.float32))
    found = audio_decode.decode(click, WINDOWS)[0]
    (loud,) = np.nonzero(np.abs(found) > 0.25)
    assert found.shape == (16_000,)
    assert loud.min() + loud.max() == pytest.approx(16_000, abs=4)


def test_silence_is_a_sound() -> None:
    found = audio_decode.decode(sounds.encoded(np.zeros(100, np.float32)), WINDOWS)
    assert not found.any()


def test_six_channels_at_192_kilohertz_become_one_at_the_rate_of_the_network() -> None:
    samples = sounds.tone(300, 1.0, rate=192_000, level=0.6)
    channels = np.zeros([len(samples), 6], np.float32)
    channels[:, 0] = samples
    found = audio_decode.decode(sounds.encoded(channels, rate=192_000), WINDOWS)
    assert found.shape == (1, 16_000)
    assert np.abs(found).max() == pytest.approx(0.1, abs=0.01)


def test_of_a_file_of_two_hours_no_more_is_in_memory_than_the_windows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for second in range(7200):
            file.writeframesraw(np.full(16_000, second, "<i2").tobytes())
    windows = Windows(sample_rate=16_000, seconds=1.0, count=3)
    tracemalloc.start()
    content = audio_decode.part(str(path), windows)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000
    found = audio_decode.decode(content, windows) * 32_768
    assert found[:, 8000].round().tolist() == [0, 3600, 7199]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("seconds", [0.3, 1.4, 9.0])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_U8", "FLOAT"])
def test_a_part_of_a_file_is_read_like_the_whole(
    tmp_path: Path, count: int, seconds: float, subtype: str
) -> None:
    windows = Windows(sample_rate=16_000, seconds=1.0, count=count, margin=0.1)
    path = tmp_path / "a.wav"
    path.write_bytes(sounds.encoded(sounds.sweep(seconds)[:-1], subtype=subtype))
    content = audio_decode.part(str(path), windows)
    whole = path.read_bytes()
    assert (content is None) == (len(sounds.sweep(seconds)) <= 8_000 * 1.2 * count)
    if content is not None:
        found = audio_decode.decode(content, windows)
        expected = audio_decode.decode(whole, windows)
        np.testing.assert_array_equal(found, expected)


def test_a_part_behind_the_end_of_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WHOLE)
    with pytest.raises(errors.DataError, match=r"2 s and more, received one of 0\.50"):
        audio_decode.part(str(path), WINDOWS, begin=2.0)
    content = audio_decode.part(str(path), WINDOWS, begin=0.25, end=9.0)
    found = audio_decode.decode(content, WINDOWS)[0]
    assert np.mean(np.abs(found) > 1e-3) == pytest.approx(0.25, abs=0.02)
