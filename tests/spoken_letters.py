"""Sounds of letters that are told apart by ear: a small task of transcripts."""

import dataclasses
from pathlib import Path

import numpy as np

from kft.config import SpeechRecognitionConfig
from tests import sounds

# A tone for each letter.
HERTZ = {"a": 300.0, "b": 900.0, "c": 2500.0}
STAGES = "head:10@0.3,top1:2@1e-2"


def spoken(text: str, *, rate: int = 8_000) -> np.ndarray:
    """Return a tone of 120 ms for each letter, with silence between them."""
    parts = [np.zeros(round(0.1 * rate), np.float32)]
    for number, sign in enumerate(text):
        tone = np.zeros(round(0.12 * rate), np.float32)
        if sign != " ":
            tone = sounds.tone(HERTZ[sign], 0.12, rate=rate, seed=number)
        parts += [tone, np.zeros(round(0.08 * rate), np.float32)]
    return np.concatenate(parts)


def write_table(folder: Path, *, count: int = 48) -> Path:
    """Write sounds of one to three letters, and their table; a quarter validates."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = ["path,text,split"]
    for number in range(count):
        text = "".join(rng.choice(list("abc"), rng.integers(1, 4)))
        (folder / f"{number}.wav").write_bytes(sounds.encoded(spoken(text)))
        lines.append(f"{number}.wav,{text.upper()}!,{'train' if number % 4 else 'val'}")
    (folder / "table.csv").write_text("\n".join(lines))
    return folder / "table.csv"


def config(folder: Path, name: str, **changes: object) -> SpeechRecognitionConfig:
    """Return the config of a run on the table in a folder, with these changes."""
    found = SpeechRecognitionConfig(
        dataset=f"csv:{folder / 'data' / 'table.csv'}",
        weights="none",
        run_dir=str(folder / name),
        stages=STAGES,
        # One length for all, so that a stored trunk gives the weights of a live one.
        seconds=0.9,
        batch_size=8,
        clip_norm=1.0,
        warmup_fraction=0.0,
        export=(),
    )
    return dataclasses.replace(found, **changes)
