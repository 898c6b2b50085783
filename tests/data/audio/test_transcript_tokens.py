"""Tokens of transcripts, and what is around them."""

import json
from pathlib import Path

import numpy as np
import pytest

from kft import errors
from kft.data.audio import transcript_tokens
from kft.data.audio.transcript_tokens import TranscriptTokens

tiny_whisper = pytest.importorskip("tests.tiny_whisper", reason="needs the extra text")
FLAG = "--backbone=tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.write(tmp_path_factory.mktemp("tokens") / "tiny")


@pytest.fixture(scope="module")
def tokens(folder: Path) -> TranscriptTokens:
    return transcript_tokens.read(folder, FLAG, language=None)


def test_a_text_comes_back_out_of_its_tokens(tokens: TranscriptTokens) -> None:
    for text in ("ab", "Größe: 5 €", "<|endoftext|> is a text", "日本"):
        found = tokens.ids(text)
        assert tokens.text(found) == text
        begin = [tiny_whisper.START, tiny_whisper.NO_TIMES]
        assert found[:2].tolist() == begin and found[-1] == tiny_whisper.END
        assert (found[2:-1] < tiny_whisper.END).all()
        assert (
            found[2:-1].tolist()
            == tiny_whisper.tokenizer().encode(f" {text}", add_special_tokens=False).ids
            or "<|" in text
        )


def test_half_a_character_is_no_error(tokens: TranscriptTokens) -> None:
    euro = tokens.ids("€")
    assert tokens.text(euro[2:-2]) == "\N{REPLACEMENT CHARACTER}"
    assert tokens.text(np.array([], np.int64)) == ""


def test_what_is_never_written_is_read(tokens: TranscriptTokens) -> None:
    assert tokens.suppressed_first == (tiny_whisper.SUPPRESSED_FIRST, tiny_whisper.END)
    never = tokens.suppressed_of(tiny_whisper.VOCABULARY)
    above = range(tiny_whisper.START, tiny_whisper.VOCABULARY)
    assert never == (tiny_whisper.SUPPRESSED, *above)


def test_a_language_stands_before_the_text(folder: Path) -> None:
    found = transcript_tokens.read(folder, FLAG, language="en")
    assert found.begin == (260, 261, 262, 263)
    with pytest.raises(errors.ConfigError, match="--language=xx: expected the code"):
        transcript_tokens.read(folder, FLAG, language="xx")


def test_a_run_keeps_them(tokens: TranscriptTokens, tmp_path: Path) -> None:
    for name, content in tokens.files().items():
        (tmp_path / name).write_bytes(content)
    assert transcript_tokens.read_kept(tmp_path) == tokens
    assert (
        TranscriptTokens.from_json(json.loads(json.dumps(tokens.to_json()))) == tokens
    )
    (tmp_path / "writing_rules.json").write_text("{}")
    with pytest.raises(errors.RunDirError, match="does not have the tokens"):
        transcript_tokens.read_kept(tmp_path)


def test_a_tokenizer_of_another_network_is_told(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["added_tokens"] = content["added_tokens"][:1]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(errors.ConfigError, match="missing: <|startoftranscript|>"):
        transcript_tokens.read(tmp_path, FLAG, language=None)


def test_damaged_rules_of_writing_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(errors.ConfigError, match=f"{FLAG}: expected a readable gen"):
        transcript_tokens.read(tmp_path, FLAG, language=None)
