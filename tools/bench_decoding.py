"""What the beam search gains on a finished run of speech recognition.

  python tools/bench_decoding.py --run_dir=runs/prompts

Takes the outputs that the run has kept of its validation sounds, and writes down what
is said by each way of `--beam_width`, `--language_model` and `--word_list`. Language
model and list are of the run's training texts, so its data have to be there.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from kft import tasks
from kft.evaluation import evaluate_run
from kft.run_folder import run_dir
from kft.tasks.speech_recognition import text_decoder
from kft.tasks.speech_recognition.ctc_objective import CtcObjective

# Beam width, language model, weight, bonus, word list.
WAYS: tuple[tuple[int | None, str, float, float, str | None], ...] = (
    (None, "none", 0.0, 0.0, None),
    (8, "none", 0.0, 0.0, None),
    (32, "none", 0.0, 0.0, None),
    (8, "characters", 0.5, 0.5, None),
    (32, "characters", 0.5, 0.5, None),
    (8, "words", 0.5, 0.5, None),
    (32, "words", 0.5, 0.5, None),
    (32, "words", 0.5, 2.0, None),
    (32, "words", 1.0, 2.0, None),
    (32, "none", 0.0, 0.0, "training"),
    (32, "words", 0.5, 0.5, "training"),
)


def main() -> None:
    """Print a row for each way, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run_dir", required=True)
    parser.add_argument("--out", default=None, help="JSON file for the figures")
    arguments = parser.parse_args()
    run = run_dir.finished(arguments.run_dir)
    config, symbols = run_dir.read_config(run), run_dir.read_labels(run)
    kept = evaluate_run.of_split(run, "validation").predictions
    splits = tasks.load_splits(config)
    rows: list[dict[str, Any]] = []
    for way in WAYS:
        rows.append(_row(way, config, symbols, splits, kept))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=1))


def _row(
    way: tuple[int | None, str, float, float, str | None],
    config: Any,
    symbols: Any,
    splits: Any,
    kept: Any,
) -> dict[str, Any]:
    names = ("beam_width", "language_model", "lm_weight", "length_bonus", "word_list")
    options = dict(zip(names, way, strict=True))
    now = dataclasses.replace(config, **options)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in text_decoder.kept_files(now, splits).items():
            Path(folder, name).write_bytes(content)
        decoder = text_decoder.of(now, symbols, Path(folder))
    begin = time.process_time()
    figures = CtcObjective(symbols, decoder).evaluate(kept).to_json()
    seconds = round(time.process_time() - begin, 1)
    rates = {name: round(figures[name], 4) for name in ("cer", "wer")}
    return {**options, **rates, "cpu_seconds": seconds}


if __name__ == "__main__":
    main()
