"""Strings of four spoken digits by a speaker who does not train: rates of errors.

  python tools/bench_digit_strings.py --data=spoken_digits --seeds=0,1,2
  python tools/bench_digit_strings.py --data=spoken_digits --strings_each=4

With --strings_each a recording of training is in several strings, else in one. Further
flags are those of a run, such as --augment. To choose them, --judge names a speaker of
train/ who then validates, and val/ is left alone.

The strings are made of recordings of single digits, of one speaker each. For each
seed, of strings and of training: `python -m kft.train` as it is typed, with the
pretrained recogniser and with random weights, else alike. Every character is a digit,
so the character error rate is that of digits.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

STAGES = "head:30@1e-1"
LENGTH = 4
# Seconds before, between and after the digits.
_LEAST_PAUSE, _MOST_PAUSE = 0.05, 0.25
# A pause is noise, as loud as the quietest so many seconds of a string's recordings.
_QUIETEST = 0.01
_NAMES = "zero one two three four five six seven eight nine".split()


def main() -> None:
    """Print a table, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with train/ and val/")
    parser.add_argument("--judge", default=None, help="speaker of train/")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--strings_each", type=int, default=1)
    parser.add_argument("--backbone", default="HamaConformer")
    parser.add_argument("--stages", default=STAGES)
    parser.add_argument("--weights", default="pretrained,none")
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments, flags = parser.parse_known_args()
    rows = []
    for seed in map(int, arguments.seeds.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            strings = Path(folder, "strings")
            data, judge = Path(arguments.data), arguments.judge
            each = arguments.strings_each
            table = make(data, strings, seed=seed, judge=judge, strings_each=each)
            for weights in arguments.weights.split(","):
                own = [f"--weights={weights}", f"--seed={seed}", *flags]
                own += [
                    f"--{n}={getattr(arguments, n)}" for n in ("backbone", "stages")
                ]
                found = _trained(table, Path(folder, weights), own)
                rows.append({"seed": seed, "weights": weights, **found})
                print(json.dumps(rows[-1]), flush=True)
    _show(rows)
    if arguments.out:
        found = {**vars(arguments), "flags": flags, "rows": rows}
        Path(arguments.out).write_text(json.dumps(found, indent=1))


def _trained(table: Path, run: Path, flags: list[str]) -> dict[str, Any]:
    """Return the figures of a run."""
    command = [sys.executable, "-m", "kft.train", "--task=speech_recognition"]
    command += [f"--dataset=csv:{table}", f"--run_dir={run}", "--clip_norm=1"]
    command += ["--batch_size=16", "--export=", "--report=false", *flags]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    figures = json.loads((run / "evaluation.json").read_text())
    rates = {
        "digit_error_rate": round(figures["cer"], 4),
        "wrong_strings": round(figures["wer"], 4),
        "silent": round(figures["silent"], 4),
    }
    load = round(os.getloadavg()[0], 1)
    return {**rates, "seconds": round(seconds, 1), "load_average": load}


def _show(rows: list[dict[str, Any]]) -> None:
    print("| weights | digit error rate | of the seeds | seconds |\n|---|---|---|---|")
    for weights in dict.fromkeys(row["weights"] for row in rows):
        own = [row for row in rows if row["weights"] == weights]
        rates = [row["digit_error_rate"] for row in own]
        seconds = statistics.mean(row["seconds"] for row in own)
        mean, each = statistics.mean(rates), ", ".join(f"{rate:.3f}" for rate in rates)
        print(f"| {weights} | {mean:.3f} | {each} | {seconds:.0f} |")


def make(
    recordings: Path,
    there: Path,
    *,
    seed: int,
    judge: str | None = None,
    strings_each: int = 1,
) -> Path:
    """Write strings of four digits as WAV files, and return their table.

    Args:
        recordings: folder with train/ and val/, in each a folder per digit that is
            called by its English name, with files SPEAKER_NUMBER.wav of one rate.
        there: folder to make.
        seed: of the order of the recordings, and of the pauses.
        judge: a speaker of train/ who validates; None for those of val/.
        strings_each: that a recording of training is in, each time with other ones.

    Raises:
        ValueError: for recordings of different sample rates, or a speaker who is none.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    there.mkdir(parents=True)
    for speaker, split, clips in _speakers(recordings, judge):
        each = strings_each if split == "train" else 1
        order = [at for _ in range(each) for at in random.permutation(len(clips))]
        for begin in range(0, len(order) - LENGTH + 1, LENGTH):
            chosen = [clips[place] for place in order[begin : begin + LENGTH]]
            name = f"{speaker}_{begin // LENGTH:04}.wav"
            _write(there / name, [path for _, path in chosen], random)
            text = "".join(str(digit) for digit, _ in chosen)
            row = {"path": name, "text": text, "split": split, "group": speaker}
            rows.append(row)
    table = there / "strings.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return table


def _speakers(
    recordings: Path, judge: str | None
) -> list[tuple[str, str, list[tuple[int, Path]]]]:
    """Return speakers, with their split, and digits and files; see `make`."""
    train = _by_speaker(recordings / "train")
    if judge is None:
        validation = _by_speaker(recordings / "val")
    elif judge in train:
        validation = {judge: train.pop(judge)}
    else:
        raise ValueError(f"--judge={judge}: expected one of {', '.join(train)}")
    splits = {"train": train, "validation": validation}
    return [
        (speaker, split, clips)
        for split, speakers in splits.items()
        for speaker, clips in speakers.items()
    ]


def _by_speaker(folder: Path) -> dict[str, list[tuple[int, Path]]]:
    """Return the digits and files of each speaker."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for digit, name in enumerate(_NAMES):
        for path in sorted((folder / name).glob("*.wav")):
            speaker = path.stem.split("_")[0]
            found.setdefault(speaker, []).append((digit, path))
    return found


def _write(path: Path, clips: list[Path], random: np.random.Generator) -> None:
    sounds, rates = zip(
        *(soundfile.read(clip, dtype="float32") for clip in clips), strict=True
    )
    if len(set(rates)) > 1:
        raise ValueError(f"expected one sample rate, received {sorted(set(rates))}")
    rate = rates[0]
    level = min(_quietest(sound, rate) for sound in sounds)
    parts = []
    for sound in sounds:
        parts += [_pause(level, rate, random), sound]
    parts.append(_pause(level, rate, random))
    soundfile.write(path, np.concatenate(parts), rate, subtype="PCM_16")


def _quietest(sound: np.ndarray, rate: int) -> float:
    """Return the root mean square of the quietest part."""
    length = round(_QUIETEST * rate)
    whole = sound[: len(sound) // length * length].reshape(-1, length)
    return float(np.sqrt(np.square(whole).mean(axis=1)).min())


def _pause(level: float, rate: int, random: np.random.Generator) -> np.ndarray:
    seconds = random.uniform(_LEAST_PAUSE, _MOST_PAUSE)
    return random.normal(0.0, level, round(seconds * rate)).astype(np.float32)


if __name__ == "__main__":
    main()
