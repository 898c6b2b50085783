"""The Conformer as kft builds it beside the engine of the package that ships it.

    pip download --no-deps hama==1.7.0 --dest=DIR && unzip DIR/hama-1.7.0-*.whl -d DIR
    PYTHONPATH=.:DIR python tools/conformer_reference.py --sounds='prompts/wav/*.wav'

prints in how many steps of 20 ms both name the same phoneme, and by how much their
probabilities differ. The engine rounds otherwise where bands are almost silent.
"""

import argparse
import glob
import importlib

import keras
import numpy as np
import soundfile
import soxr

from kft.backbones import package_files
from kft.backbones.audio import (
    conformer,
    conformer_weights,
    hama_file,
    speech_backbone,
)
from kft.backbones.audio.conformer import ConformerSizes

_ROW = conformer.SAMPLES_PER_STEP
_SIDE = conformer.SCALE.window // 2


def main() -> None:
    """Compare, a line for each sound, then one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sounds", required=True, help="pattern of files")
    parser.add_argument("--count", type=int, default=10, help="most files")
    given = parser.parse_args()
    package = speech_backbone.get(speech_backbone.HAMA_CONFORMER).package
    if package is None:
        raise SystemExit("the table names no package")
    file = package_files.find(package).joinpath(conformer_weights.FILE)
    content = file.read_bytes()
    model = _model(content)
    engine = importlib.import_module("hama._engine").AsrSession(content)
    equal = steps = 0
    paths = sorted(glob.glob(given.sounds))
    for path in paths[:: max(1, len(paths) // given.count)][: given.count]:
        samples = _samples(path)
        (found,) = model.predict_on_batch(_rows(samples))
        logs, _ = engine.run(["log_probs", "out_lengths"], {"waveform": samples[None]})
        expected = np.exp(logs[0])
        same = int((found.argmax(axis=-1) == expected.argmax(axis=-1)).sum())
        equal, steps = equal + same, steps + len(found)
        print(f"{path}: {same}/{len(found)}, {np.abs(found - expected).max():.2g}")
    print(f"{equal} of {steps} steps name the same phoneme")


def _model(content: bytes) -> keras.Model:
    """Return the whole published network, with its own head."""
    stored = hama_file.read(content)
    rows = keras.Input([None, _ROW], name="rows")
    mask = keras.Input([None], dtype="int32", name="mask")
    head = conformer_weights.head(stored)
    layer = keras.layers.Dense(len(head.bias), activation="softmax", name="head")
    model = keras.Model(
        {"rows": rows, "mask": mask}, layer(conformer.build(rows, mask))
    )
    conformer_weights.assign(model, stored, ConformerSizes())
    layer.set_weights([head.kernel, head.bias])
    return model


def _samples(path: str) -> np.ndarray:
    """Return a sound at the rate of the network, whole rows of it."""
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, conformer.SCALE.sample_rate)
    whole: np.ndarray = samples[: len(samples) // _ROW * _ROW]
    return whole


def _rows(samples: np.ndarray) -> dict[str, np.ndarray]:
    """Return rows, at whose end the sound is mirrored as the engine does."""
    tail = samples[-_SIDE - 1 : -1][::-1]
    filled = np.concatenate([samples, tail, np.zeros(_ROW - _SIDE, np.float32)])
    rows = filled.reshape(1, -1, _ROW)
    return {"rows": rows, "mask": np.ones(rows.shape[:2], np.int32)}


if __name__ == "__main__":
    main()
