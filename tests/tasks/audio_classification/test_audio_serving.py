"""The part of sounds that leaves a run."""

import io

import numpy as np
import pytest

from kft import errors
from kft.config import AudioClassificationConfig
from kft.data.audio.windows import Windows
from kft.data.labels import LabelMap
from kft.tasks.audio_classification.audio_serving import AudioServing
from kft.tasks.class_answers import ClassAnswers

soundfile = pytest.importorskip("soundfile")
WINDOWS = Windows(sample_rate=16000, seconds=0.5)


@pytest.fixture
def serving() -> AudioServing:
    config = AudioClassificationConfig(dataset="folder:sounds")
    return AudioServing(config, ClassAnswers(LabelMap(("no", "yes"))), WINDOWS)


def test_samples_become_a_file_of_the_rate_that_is_read(serving: AudioServing) -> None:
    samples = np.sin(np.arange(4000) / 9).astype(np.float32) / 2
    read, rate = soundfile.read(io.BytesIO(serving.encode(samples)))
    assert rate == 16000
    np.testing.assert_allclose(read, samples, atol=1 / 32768)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (
            np.zeros([2, 100]),
            r"expected samples as float \[n\], .* received \[2, 100\]",
        ),
        (np.zeros([0]), r"received \[0\]"),
        (np.zeros([9], np.int16), r"received int16\. .*samples \* 32768"),
        (np.array([0.0, np.nan]), "some are no numbers"),
    ],
)
def test_what_are_no_samples_is_asked_about(
    serving: AudioServing, samples: np.ndarray, said: str
) -> None:
    with pytest.raises(errors.DataError, match=said):
        serving.encode(samples)
