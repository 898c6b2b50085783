"""Whisper as kft builds it beside CTranslate2, for which its weights were converted.

    pip install --no-deps --target=DIR ctranslate2
    PYTHONPATH=.:DIR python tools/whisper_reference.py --sounds='prompts/wav/*.wav'

prints what is said in each sound, and in how many both write the same tokens. The
features that CTranslate2 reads are made by NumPy, as Whisper's audio.py does.
"""

import argparse
import glob
import importlib
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

from kft.backbones import package_files
from kft.backbones.audio import speech_backbone, whisper_encoder
from kft.data.audio import transcript_tokens
from kft.tasks.speech_recognition import attention_network
from kft.tasks.speech_recognition.attention_network import (
    ROWS,
    TOKEN_MASK,
    TOKENS,
    WINDOW_ROWS,
)

_SAMPLES = WINDOW_ROWS * speech_backbone.SAMPLES_PER_ROW
_FILES = ("model.bin", "config.json", "vocabulary.txt", "tokenizer.json")


def main() -> None:
    """Compare, a line for each sound, then one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sounds", required=True, help="pattern of files")
    parser.add_argument("--count", type=int, default=20, help="most files")
    given = parser.parse_args()
    backbone = speech_backbone.get(speech_backbone.WHISPER)
    if backbone.package is None:
        raise SystemExit("the table names no package")
    folder = package_files.find(backbone.package)
    tokens = transcript_tokens.read(folder, backbone.name, language=None)
    network = attention_network.build(backbone, tokens, weights="pretrained")
    ctranslate2 = importlib.import_module("ctranslate2")
    with tempfile.TemporaryDirectory() as place:
        for name in _FILES:
            Path(place, name).write_bytes(folder.joinpath(name).read_bytes())
        engine = ctranslate2.models.Whisper(place, compute_type="float32")
    begin = np.array([tokens.begin], np.int32)
    equal, seconds = 0, [0.0, 0.0]
    paths = sorted(glob.glob(given.sounds))
    chosen = paths[:: max(1, len(paths) // given.count)][: given.count]
    for path in chosen:
        samples = _samples(path)
        rows = samples.reshape(1, WINDOW_ROWS, -1)
        start = time.monotonic()
        inputs = {ROWS: rows, TOKENS: begin, TOKEN_MASK: np.ones_like(begin)}
        found = network.model.predict_on_batch(inputs)[0, 1:].astype(int)
        found = found[found != tokens.end]
        middle = time.monotonic()
        features = ctranslate2.StorageView.from_array(_frames(samples)[None])
        (expected,) = engine.generate(features, begin.tolist(), beam_size=1)
        seconds[0] += middle - start
        seconds[1] += time.monotonic() - middle
        same = found.tolist() == expected.sequences_ids[0]
        equal += same
        print(f"{path}: {'same' if same else 'other'}: {tokens.text(found)}")
        if not same:
            other = np.array(expected.sequences_ids[0])
            print(f"  CTranslate2: {tokens.text(other)}")
    print(f"{equal} of {len(chosen)} sounds have the same tokens")
    print(f"{seconds[0]:.1f} s here, {seconds[1]:.1f} s by CTranslate2")


def _samples(path: str) -> np.ndarray:
    """Return a sound at the rate of the network, with silence up to 30 s."""
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, whisper_encoder.SAMPLE_RATE)[:_SAMPLES]
    filled: np.ndarray = np.pad(samples, (0, _SAMPLES - len(samples)))
    return filled.astype(np.float32)


def _frames(samples: np.ndarray) -> np.ndarray:
    """Return log-mel frames, float32 [80, 3000]."""
    padded = np.pad(samples, 200, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    powers = np.abs(np.fft.rfft(windows * hann)) ** 2
    bands = powers @ whisper_encoder.SCALE.matrix()
    found = np.log10(np.maximum(bands, 1e-10))
    scaled: np.ndarray = (np.maximum(found, found.max() - 8) + 4) / 4
    return np.ascontiguousarray(scaled.T.astype(np.float32))


if __name__ == "__main__":
    main()
