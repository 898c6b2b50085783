"""What an audit asks of texts."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from kft import __main__ as kft_main
from kft.auditing.checks import AuditedExample
from kft.data.text import text_stats
from kft.data.text.wordpiece import WordPiece
from kft.tasks.text_classification.text_audit import TextChecks
from tests import tiny_bert

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("datasketch", reason="needs the extra text")

_CHECKS = TextChecks(WordPiece(tiny_bert.WORDS), 12, pairs=False, near_share=0.8)


def _examples(*texts: str, checks: TextChecks = _CHECKS) -> list[AuditedExample]:
    return [
        AuditedExample(str(i), "train", "a", i, facts=checks.inspect(text.encode()))
        for i, text in enumerate(texts)
    ]


def _observed(*texts: str) -> dict[str, int]:
    found = _CHECKS.observations(_examples(*texts))
    return {one.name: len(one.examples) for one in found if one.examples}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("good " * 11, "longer than --max_length=12"),
        ("a \x07film", "control characters"),
        ("a \ufffd film", "control characters"),
        ("a caf\u00c3\u00a9", "UTF-8 read as something else"),
        ("a <b>film", "markup"),
        ("a &amp; b", "markup"),
        ("\u0444\u0438\u043b\u044c\u043c", "another script than LATIN"),
    ],
)
def test_an_odd_text_is_observed_by_one_name(text: str, name: str) -> None:
    usual = ["a film", "caf\u00e9 1 < 2 & 3", "good " * 10, "1999!", "bad\tfilm\n"]
    assert _observed(*usual) == {}
    assert _observed(*usual, text) == {name: 1}


@pytest.mark.parametrize("content", [b"caf\xe9", b" \n", "\u200b".encode()])
def test_what_training_cannot_read_is_not_read(content: bytes) -> None:
    with pytest.raises(Exception, match="expected"):
        _CHECKS.inspect(content)


def test_near_copies_share_most_of_their_letters() -> None:
    long = "a good film of the year, with songs and a dance that nobody forgets"
    texts = [
        long,
        "bad",
        long.upper().replace(" ", "  "),
        f"{long}!",
        "a good film of the century, without a song",
    ]
    (group,) = _CHECKS.near_copies(_examples(*texts)).groups
    assert [example.id for example in group] == ["0", "2", "3"]
    assert _CHECKS.near_copies([]).groups == []


def test_an_estimate_is_near_the_share_that_two_texts_have_in_common() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghij"))
    for changed in (0, 20, 60):
        first = rng.choice(letters, 400)
        second = first.copy()
        second[:changed] = rng.choice(letters, changed)
        runs = [
            {"".join(one[i : i + 4]) for i in range(397)} for one in (first, second)
        ]
        exact = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
        sketches = [text_stats.sketch("".join(one)) for one in (first, second)]
        assert (sketches[0] == sketches[1]).mean() == pytest.approx(exact, abs=0.12)


def test_pairs_are_read_as_two_texts() -> None:
    checks = TextChecks(WordPiece(tiny_bert.WORDS), 12, pairs=True, near_share=None)
    (one,) = _examples("good film\0bad", checks=checks)
    assert one.facts.tokens == 6
    assert checks.near_copies([one]) is None
    assert "good film / bad" in checks.preview(b"good film\0bad", "x")


def test_a_table_is_audited(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tiny_bert.write(tmp_path / "bert")
    film = "the very good film a b c the film"
    rows = [
        *((f"good a {i} film", "good", "train") for i in range(5)),
        (film, "good", "train"),
        (film, "bad", "train"),
        (f"{film}.", "good", "validation"),
        ("\u200b", "bad", "validation"),
    ]
    with (tmp_path / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "split"), *rows])
    arguments = [
        *("audit", "--task=text_classification", str(tmp_path / "texts.csv")),
        *(f"--backbone={tmp_path / 'bert'}", f"--out={tmp_path}"),
    ]
    with pytest.raises(SystemExit, match="2 groups of copies.*1 files"):
        kft_main.dispatch(arguments)
    assert "near" in capsys.readouterr().out
    found = json.loads((tmp_path / "audit.json").read_text())
    assert found["texts"] == 9
    assert found["tokens"][0] >= 5
    (near,) = (g for g in found["near_duplicates"] if g["across_splits"])
    assert near["across_labels"]
    page = (tmp_path / "audit.html").read_text()
    assert "the very good film a b c the film." in page
