"""Beam searches as a run's options say: what it keeps for them, what they change."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from kft import __main__ as kft_main
from kft import errors, tasks
from kft.config import SpeechRecognitionConfig
from kft.data.examples import Splits
from kft.data.ragged import Ragged
from kft.metrics.predictions import Predictions
from kft.run_folder import run_dir
from kft.tasks.speech_recognition import text_decoder, text_scorers
from kft.tasks.speech_recognition.ctc_objective import CtcObjective
from kft.training import preflight
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter

pytest.importorskip("jiwer", reason="needs the extra audio")
spoken_letters = pytest.importorskip(
    "tests.spoken_letters", reason="needs the extra audio"
)


# Letters of the table, and the blank.
SIGNS = "abc-"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("decoder")
    spoken_letters.write_table(path / "data", count=24)
    return path


@pytest.fixture(scope="module")
def splits(folder: Path) -> Splits:
    return tasks.load_splits(spoken_letters.config(folder, "none"))


def _decoder(
    folder: Path, splits: Splits, out: Path, **changes: object
) -> text_decoder.TextDecoder:
    config = spoken_letters.config(folder, "none", beam_width=50, **changes)
    for name, content in text_decoder.kept_files(config, splits).items():
        (out / name).write_bytes(content)
    return text_decoder.of(config, splits.labels, out)


def _logits(*steps: dict[str, float]) -> np.ndarray:
    """Return logits of steps, of which signs are named with their probability."""
    found = np.full([len(steps), len(SIGNS)], 1e-6)
    for row, step in enumerate(steps):
        for sign, probability in step.items():
            found[row, SIGNS.index(sign)] = probability
    return np.log(found / found.sum(axis=-1, keepdims=True)).astype(np.float32)


def _said(decoder: text_decoder.TextDecoder, logits: np.ndarray) -> str:
    (from_logits, from_probabilities) = (
        "".join(SIGNS[one] for one in found)
        for found in (
            decoder.of_logits(logits),
            decoder.of_probabilities(np.exp(logits.astype(np.float64))),
        )
    )
    assert from_logits == from_probabilities
    return from_logits


# Greedily nothing is said; over all paths, "a" is the likeliest.
UNSURE = _logits({"a": 0.45, "-": 0.55}, {"a": 0.45, "-": 0.55})
# The first letter is sure, the second one of two.
SECOND = _logits({"a": 1}, {"-": 1}, {"b": 0.51, "c": 0.49})
# Nothing but "ab" is followed.
SURE = _logits({"a": 1}, {"b": 1})


def test_without_a_width_the_likeliest_symbols_count(folder, splits) -> None:
    config = spoken_letters.config(folder, "none")
    greedy = text_decoder.of(config, splits.labels, None)
    assert greedy.is_greedy and _said(greedy, UNSURE) == ""
    wide = dataclasses.replace(config, beam_width=4)
    assert _said(text_decoder.of(wide, splits.labels, None), UNSURE) == "a"
    # A step that only fills up a batch says nothing.
    filled = np.concatenate([UNSURE, np.zeros([2, len(SIGNS)], np.float32)])
    assert len(text_decoder.of(wide, splits.labels, None).of_logits(filled)) == 1


@pytest.mark.parametrize("kind", ["characters", "words"])
def test_a_language_model_of_the_training_texts_decides(
    folder, splits, tmp_path, kind: str
) -> None:
    texts = Ragged.from_rows([np.array([0, 2], np.int32)] * 30)
    train = dataclasses.replace(splits.train, labels=texts, rows=np.arange(30))
    known = dataclasses.replace(splits, train=train)
    options = {"language_model": kind, "lm_weight": 2.0}
    assert _said(_decoder(folder, known, tmp_path, **options), SECOND) == "ac"
    options["lm_weight"] = 0.0
    assert _said(_decoder(folder, known, tmp_path, **options), SECOND) == "ab"


def test_a_word_list_allows_its_words_alone(folder, splits, tmp_path) -> None:
    path = tmp_path / "words"
    path.write_text("AC!\nbé\n")
    decoder = _decoder(folder, splits, tmp_path, word_list=str(path))
    assert (tmp_path / "word_list.txt").read_text() == "ac"
    assert _said(decoder, SECOND) == "ac"
    path.write_text("é\n")
    with pytest.raises(errors.ConfigError, match="expected words of the characters"):
        _decoder(folder, splits, tmp_path, word_list=str(path))


def test_a_beginning_of_a_word_is_not_said(splits) -> None:
    words = text_scorers.WordList(("abb",), splits.labels)
    assert _said(text_decoder.TextDecoder(width=1, scorers=[words]), SURE) == ""
    assert _said(text_decoder.TextDecoder(width=1), SURE) == "ab"


def test_what_a_run_decodes_by_has_to_be_there(folder, splits, tmp_path) -> None:
    config = spoken_letters.config(
        folder, "none", beam_width=4, language_model="characters"
    )
    # While it trains, nothing is decoded by it.
    assert text_decoder.of(config, splits.labels, None).is_greedy
    with pytest.raises(errors.RunDirError, match="language_model.json cannot be read"):
        text_decoder.of(config, splits.labels, tmp_path)


def test_both_rates_of_errors_are_told(folder, splits) -> None:
    config = spoken_letters.config(folder, "none", beam_width=4)
    decoder = text_decoder.of(config, splits.labels, None)
    predictions = Predictions(
        ids=np.array(["one"]),
        labels=Ragged.from_rows([np.array([0], np.int32)]),
        logits=Ragged.from_rows([UNSURE]),
    )
    figures = CtcObjective(splits.labels, decoder).evaluate(predictions)
    found = figures.to_json()
    assert (found["cer"], found["greedy_cer"]) == (0, 1)
    assert (found["wer"], found["greedy_wer"]) == (0, 1)
    assert "1.0000 without the beam search" in figures.headline()[1].note
    plain = CtcObjective(splits.labels).evaluate(predictions).to_json()
    assert plain["cer"] == 1 and "greedy_cer" not in plain


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"language_model": "words"}, "expected --beam_width too"),
        ({"word_list": "training"}, "expected --beam_width too"),
        ({"word_list": "none.txt", "beam_width": 4}, "none.txt"),
    ],
)
def test_options_without_effect_are_told(folder, changes, told: str) -> None:
    config = spoken_letters.config(folder, "none", **changes)
    with pytest.raises(errors.ConfigError, match=told):
        tasks.kind(config.task).check(config)


def test_a_run_that_goes_on_needs_its_word_list_no_more(folder, monkeypatch) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = spoken_letters.config(
        folder, "goes_on", beam_width=4, word_list="words.txt"
    )
    with pytest.raises(errors.ConfigError, match="there is no file 'words.txt'"):
        preflight.check(config)
    run = run_dir.of(config)
    run.backbone.mkdir(parents=True)
    run_dir.keep_config(run, config)
    (run.backbone / "word_list.txt").write_text("ab")
    # A path that is written otherwise would be another config.
    assert preflight.with_data_found(config) == config
    preflight.check(config)
    assert run_dir.find(config)[1] == "unfinished"


@pytest.mark.integration
def test_a_run_is_measured_and_asked_by_its_beam_search(folder: Path, capsys) -> None:
    config: SpeechRecognitionConfig = spoken_letters.config(
        folder,
        "beam",
        stages="head:2@0.3",
        beam_width=8,
        language_model="words",
        word_list="training",
    )
    result = fine_tune(config, reporter=SilentReporter())
    assert kft_main.dispatch(["evaluate", f"--run_dir={result.run_dir}"]) == 0
    found = json.loads((result.run_dir / "evaluation.json").read_text())
    assert found["greedy_cer"] == pytest.approx(result.validation["cer"])
    words = (result.run_dir / "backbone/word_list.txt").read_text().split()
    capsys.readouterr()
    files = [str(folder / "data" / f"{number}.wav") for number in range(4)]
    arguments = ["predict", f"--run_dir={result.run_dir}", "--format=jsonl", *files]
    assert kft_main.dispatch(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(json.loads(line)["text"] in ("", *words) for line in lines)
