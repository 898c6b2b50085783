"""Sounds in which nothing is heard are named, those that can be heard are not."""

from collections.abc import Sequence

import numpy as np
import pytest

from kft import tasks
from kft.config import AudioClassificationConfig, SpeechRecognitionConfig
from kft.data import labels
from kft.data.examples import Examples, Splits
from kft.data.sources import record_reader

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

from kft.data.audio import silence  # noqa: E402
from kft.data.audio.windows import Windows  # noqa: E402

NOTHING = np.zeros(8_000, np.float32)
TONE = sounds.tone(300, 1.0)
# A tone after a second and a half of silence.
LATE = np.concatenate([NOTHING, NOTHING[:4_000], TONE])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (sounds.encoded(NOTHING), True),
        (sounds.encoded(NOTHING, subtype="PCM_U8"), True),
        (sounds.encoded(NOTHING, subtype="VORBIS", kind="OGG"), True),
        (sounds.encoded(NOTHING + 2.0**-15), True),
        (sounds.encoded(NOTHING + 2.0**-14), False),
        (sounds.encoded(TONE), False),
        (sounds.encoded(np.stack([NOTHING, TONE], axis=1)), False),
        (sounds.encoded(LATE), False),
        (b"no sound", False),
    ],
    ids=[
        *("zeros", "8-bits", "vorbis", "dither", "two-steps", "tone", "one-side"),
        *("late", "none"),
    ],
)
def test_silence_is_what_no_sample_is_above_one_step_of_16_bits(
    content: bytes, expected: bool
) -> None:
    assert silence.is_silent(content, silence.whole) is expected


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        (Windows(8_000, seconds=0.25), True),
        (Windows(8_000, seconds=0.25, margin=0.2), False),
        (Windows(8_000, seconds=0.25, count=2), False),
        (Windows(8_000, seconds=9.0), False),
    ],
    ids=["middle", "with-margin", "two", "longer"],
)
def test_only_what_the_windows_hold_counts(windows: Windows, expected: bool) -> None:
    # The middle of the sound, at 1.25 s, is silent.
    content = sounds.encoded(LATE)
    assert silence.is_silent(content, windows.parts) is expected


def _splits(train: Sequence[bytes], validation: Sequence[bytes]) -> Splits:
    def of(name: str, payloads: Sequence[bytes]) -> Examples:
        return Examples(
            ids=np.array([f"{name}{number}.wav" for number in range(len(payloads))]),
            labels=np.zeros(len(payloads), np.int32),
            rows=np.arange(len(payloads)),
            read=record_reader.from_memory(payloads),
        )

    return Splits(
        labels=labels.LabelMap(("a", "b")),
        train=of("t", train),
        validation=of("v", validation),
        test=None,
        fingerprint="",
        source="sounds",
    )


def test_the_silent_sounds_of_each_split_are_named() -> None:
    heard, silent = sounds.encoded(TONE), sounds.encoded(NOTHING)
    splits = _splits([heard, silent, b"no sound", silent], [heard])
    (said,) = silence.cautions(splits, silence.whole)
    assert said.startswith("2 of 4 train sounds are silence in all that is read of ")
    assert "(t1.wav, t3.wav)" in said
    assert not list(silence.cautions(_splits([heard], [heard]), silence.whole))


def test_of_many_sounds_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "_MOST", 3)
    splits = _splits([sounds.encoded(NOTHING)] * 5, [])
    said = next(silence.cautions(splits, silence.whole))
    assert said.startswith("3 of 3 train sounds looked at, of 5, are silence")
    assert "(t0.wav, t2.wav, t4.wav)" in said


@pytest.mark.parametrize("config", [AudioClassificationConfig, SpeechRecognitionConfig])
def test_both_tasks_of_sounds_name_them_before_training(
    config: type[AudioClassificationConfig] | type[SpeechRecognitionConfig],
) -> None:
    made = config(dataset="csv:none.csv")
    splits = _splits([sounds.encoded(NOTHING), sounds.encoded(TONE)], [])
    (said,) = tasks.kind(made.task).cautions(made, splits)
    assert said.startswith("1 of 2 train sounds are silence")
