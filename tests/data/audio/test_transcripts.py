"""Sounds with their texts, from tables and folders, and what is wrong with them."""

import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from kft import errors, tasks
from kft.config import SpeechRecognitionConfig
from kft.data.audio import alphabet

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

from kft.data.audio.utterances import Utterances  # noqa: E402

SOUND = sounds.encoded(sounds.tone(300, 0.5))
UTTERANCES = Utterances(sample_rate=16_000, samples_per_row=320, seconds=1.0)


def _write(folder: Path, table: str | bytes, *, count: int = 4) -> str:
    for number in range(count):
        (folder / f"{number}.wav").write_bytes(SOUND)
    content = table.encode() if isinstance(table, str) else table
    (folder / "table.csv").write_bytes(content)
    return f"csv:{folder / 'table.csv'}"


def _load(dataset: str, **options: object):
    return tasks.load_splits(SpeechRecognitionConfig(dataset=dataset, **options))


def _texts(part, symbols) -> list[str]:
    return [alphabet.text(part.labels[row], symbols) for row in range(len(part))]


@pytest.mark.parametrize(
    ("text", "lower", "keep"),
    [
        ("  Don\u2019t   stop!", "don't stop", "Don\u2019t stop!"),
        ("'Tis 3.5 km -- née 'x'", "tis 3 5 km née x", "'Tis 3.5 km -- née 'x'"),
        ("e\u0301\ta\u00a0b", "é a b", "é a b"),
        ("... ?!", "", "... ?!"),
    ],
)
def test_a_text_is_normalized_as_stated(text: str, lower: str, keep: str) -> None:
    assert alphabet.normalized(text, "lower") == lower
    assert alphabet.normalized(text, "keep") == keep


def test_a_table_has_texts_splits_and_groups(tmp_path: Path, caplog) -> None:
    table = "path,text,split\n0.wav,Hi you,train\n1.wav,you,train\n2.wav,hi,val\n"
    found = _load(_write(tmp_path, table))
    assert found.labels.names == ("<space>", "h", "i", "o", "u", "y")
    assert _texts(found.train, found.labels) == ["hi you", "you"]
    assert _texts(found.validation, found.labels) == ["hi"]
    assert found.train.read(found.train.rows).numpy().tolist() == [SOUND, SOUND]


def test_a_table_of_mozilla_is_known(tmp_path: Path) -> None:
    table = "wav_filename,wav_filesize,transcript\n"
    table += "".join(f"{number}.wav,99,ab c\n" for number in range(4))
    found = _load(_write(tmp_path, table), validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["ab c"] * 4


def test_a_table_of_common_voice_is_known(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    _write(tmp_path / "clips", "")
    rows = [f'{n % 2}\t{n}.wav\t"Ab" c.\t\n' for n in range(4)]
    table = tmp_path / "validated.tsv"
    table.write_text("client_id\tpath\tsentence\tage\n" + "".join(rows))
    found = _load(f"csv:{table}", validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["ab c"] * 4
    assert found.train.ids.tolist() == [f"clips/{n}.wav" for n in range(4)]
    with pytest.raises(errors.DataError, match="of the 4 examples in 2 groups"):
        _load(f"csv:{table}", validation_fraction=0.05)


def test_columns_that_are_only_called_alike_are_no_known_table(tmp_path: Path) -> None:
    table = "path,text,sentence_id,client_id\n"
    table += "".join(f"{number}.wav,ab c,7,x\n" for number in range(4))
    found = _load(_write(tmp_path, table), validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["ab c"] * 4


def test_a_known_table_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    table = 'sep=;\r\n"Wav_Filename"; Transcript\r\n'
    table += "".join(f"{number}.wav;ab c\r\n" for number in range(4))
    found = _load(_write(tmp_path, table), validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["ab c"] * 4


def test_ljspeech_has_one_table_for_all_its_sounds(tmp_path: Path) -> None:
    folder = tmp_path / "LJSpeech-1.1" / "wavs"
    folder.mkdir(parents=True)
    _write(folder, "")
    lines = [f'{n}|"{n} Abc, d\u2019e|{"abcd"[n]} abc, de\n' for n in range(4)]
    (folder.parent / "metadata.csv").write_text("".join(lines))
    for root in (tmp_path, folder.parent):
        found = _load(f"folder:{root}", validation_fraction=0.5)
        texts = _texts(found.train, found.labels)
        texts += _texts(found.validation, found.labels)
        assert sorted(texts) == [f"{sign} abc de" for sign in "abcd"]


def test_texts_may_have_marks_of_their_encoding(tmp_path: Path) -> None:
    for name, encoding in (("a", "utf-8-sig"), ("b", "utf-16"), ("c", "utf-8")):
        (tmp_path / f"{name}.wav").write_bytes(SOUND)
        (tmp_path / f"{name}.txt").write_bytes("Ab\r\n".encode(encoding))
    found = _load(f"folder:{tmp_path}", validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["ab"] * 3


def test_a_row_may_be_a_part_of_a_file(tmp_path: Path) -> None:
    table = "path,text,start,end\n0.wav,a,0,0.2\n0.wav,b,0.2,0.5\n"
    found = _load(_write(tmp_path, table), validation_fraction=0.0)
    rows = [UTTERANCES.count(one) for one in found.train.read(found.train.rows).numpy()]
    assert rows == [11, 16]


def test_parts_of_one_file_stay_in_one_split(tmp_path: Path) -> None:
    rows = [f"{n % 5}.wav,ab,{n / 1000:g},{n / 1000 + 0.1:g}\n" for n in range(50)]
    table = "path,text,start,end\n" + "".join(rows)
    found = _load(_write(tmp_path, table, count=5), validation_fraction=0.4)
    files = [
        {name.partition("#")[0] for name in part.ids} for part in found.parts().values()
    ]
    assert len(files) == 2 and not files[0] & files[1]


def test_folders_have_texts_beside_the_sounds(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "dev/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.wav").write_bytes(SOUND)
        (tmp_path / f"{name}.txt").write_text("Ab")
    found = _load(f"folder:{tmp_path}")
    assert found.train.ids.tolist() == ["train/a.wav", "train/b.wav"]
    assert found.validation.ids.tolist() == ["dev/c.wav"]
    (tmp_path / "train/b.txt").unlink()
    with pytest.raises(errors.DataError, match=r"train/b.wav: expected its text in"):
        _load(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("1/2/a.txt", b""),
        ("1/2/1-2.trans.txt", b"b IN ORDER\n"),
        ("1/metadata.csv", b"b|x|in order\n"),
    ],
)
def test_a_text_that_is_not_utf8_is_named_with_its_line(
    tmp_path: Path, name: str, before: bytes
) -> None:
    (tmp_path / "1/2").mkdir(parents=True)
    for sound in ("a", "b")[: 1 + bool(before)]:
        (tmp_path / f"1/2/{sound}.wav").write_bytes(SOUND)
    sign = "|" if name.endswith(".csv") else " "
    line = f"a{sign}caf".encode() + b"\xe9\n" if before else b"caf\xe9\n"
    (tmp_path / name).write_bytes(before + line)
    number = 1 + bool(before)
    with pytest.raises(
        errors.DataError, match=rf"{name}, line {number}: expected a text.* in UTF-8"
    ):
        _load(f"folder:{tmp_path}")


def test_what_a_folder_has_besides_is_said_or_is_all_there_is(
    tmp_path: Path, caplog
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes(SOUND)
        (tmp_path / f"{name}.txt").write_text("Ab")
    with caplog.at_level("WARNING", logger="absl"):
        _load(f"folder:{tmp_path}", validation_fraction=0.0)
        assert caplog.text == ""
        (tmp_path / "c.m4a").write_bytes(b"m4a")
        (tmp_path / "c.txt").write_text("Ab")
        _load(f"folder:{tmp_path}", validation_fraction=0.0)
    assert "1 files .m4a are left out. Convert .m4a to WAV or FLAC." in caplog.text
    assert "1 of 3 files .txt have no sound of the same name." in caplog.text
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").unlink()
    with pytest.raises(errors.DataError, match="there are none. 1 files .m4a are"):
        _load(f"folder:{tmp_path}")


def test_sounds_that_are_hidden_or_links_are_said(tmp_path: Path, caplog) -> None:
    for number in range(6):
        (tmp_path / f"{number}.wav").write_bytes(SOUND)
        (tmp_path / f"{number}.txt").write_text("hi")
    (tmp_path / ".more").mkdir()
    (tmp_path / ".more/7.wav").write_bytes(SOUND)
    (tmp_path / "8.wav").symlink_to("0.wav")
    (tmp_path / "8.txt").write_text("hi")
    _load(f"folder:{tmp_path}")
    assert "1 sounds are left out" in caplog.text
    assert "8.wav is 0.wav" in caplog.text


def test_a_split_without_a_character_is_no_lack_of_a_class(
    tmp_path: Path, caplog
) -> None:
    table = "path,text,split\n0.wav,Q a,train\n1.wav,a,train\n2.wav,a,val\n"
    assert _load(_write(tmp_path, table)).labels_are == "characters"
    assert "No validation examples of these characters: <space>, q." in caplog.text
    assert "class" not in caplog.text


def test_librispeech_names_its_speakers(tmp_path: Path) -> None:
    for split, speaker in (("train-clean-100", 19), ("dev-clean", 84)):
        folder = tmp_path / split / str(speaker) / "198"
        folder.mkdir(parents=True)
        (folder / f"{speaker}-198-0000.flac").write_bytes(
            sounds.encoded(sounds.tone(300, 0.5), kind="FLAC")
        )
        (folder / f"{speaker}-198.trans.txt").write_text(
            f"{speaker}-198-0000 NORTHANGER ABBEY\n"
        )
    found = _load(f"folder:{tmp_path}")
    assert _texts(found.train, found.labels) == ["northanger abbey"]
    assert found.validation.ids.tolist() == ["dev-clean/84/198/84-198-0000.flac"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,text\n0.wav,ab\n1.wav, ...\n", r"line 3: expected a text, received"),
        ("path,text\n0.wav,ab\n1.wav,\n", r"line 3: expected a text, received ''"),
        (
            b"path,text\n0.wav,ab\n1.wav,\xe9\n",
            r"line 3: expected a text file in UTF-8",
        ),
        ("path,text\n0.wav,ab\n9.wav,b\n", r"line 3: expected a file at .*9\.wav"),
        ("path,label\n0.wav,ab\n", r"'text' is missing.*--csv_columns=path=NAME,text="),
        (
            "path,text,split\n0.wav,ab,train\n1.wav,añ,val\n",
            r"line 3: the character 'ñ' of 'añ' is none of the 2",
        ),
        (
            "path,text,split,group\n0.wav,a,train,x\n1.wav,b,val,x\n",
            r"line 3: expected the group 'x' in one split",
        ),
    ],
    ids=["empty", "missing", "latin-1", "no-file", "columns", "character", "group"],
)
def test_a_bad_row_is_named_with_its_line(
    tmp_path: Path, table: str | bytes, message: str
) -> None:
    with pytest.raises(errors.DataError, match=message):
        _load(_write(tmp_path, table))


def test_an_alphabet_is_read_from_a_file(tmp_path: Path) -> None:
    signs = tmp_path / "alphabet.txt"
    signs.write_text("# of DeepSpeech\n \na\nb\n\\#\n")
    assert alphabet.read(str(signs)).names == ("<space>", "a", "b", "#")
    dataset = _write(tmp_path, "path,text\n0.wav,ab\n1.wav,abc\n")
    with pytest.raises(errors.DataError, match="line 3: the character 'c' of 'abc'"):
        _load(dataset, alphabet=str(signs))
    signs.write_text("a\nbc\n")
    with pytest.raises(errors.DataError, match="line 2: expected one character"):
        alphabet.read(str(signs))


@pytest.mark.parametrize(("text", "steps"), [("abc", 3), ("aab", 4), ("aaa", 5)])
def test_letters_that_repeat_need_a_step_between_them(text: str, steps: int) -> None:
    symbols = alphabet.of_texts(["abc"])
    assert alphabet.steps_needed(alphabet.ids(text, symbols)) == steps


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 192_000])
@pytest.mark.parametrize("channels", [1, 6])
def test_a_sound_is_read_alike_here_and_in_a_graph(rate: int, channels: int) -> None:
    import tensorflow as tf

    from kft.data.audio import utterances_in_graph

    samples = np.repeat(sounds.tone(300, 0.73, rate=rate)[:, None], channels, axis=1)
    content = sounds.encoded(samples, rate=rate)
    rows = UTTERANCES.decode(content)
    assert len(rows) == UTTERANCES.count(content) == 37
    assert rows[-1, -1] == 0
    in_graph = utterances_in_graph.read(tf.constant(content), UTTERANCES).numpy()
    np.testing.assert_allclose(in_graph, rows, atol=1e-7)


def test_resampled_sounds_are_those_of_soxr() -> None:
    soxr = pytest.importorskip("soxr")
    from kft.data.audio import resampling_filter

    samples = sounds.sweep(1.0, rate=44_100)
    expected = soxr.resample(samples, 44_100, 16_000, quality="HQ")
    found = resampling_filter.apply(samples, 44_100, 16_000)
    np.testing.assert_allclose(found[100:15_900], expected[100:15_900], atol=1e-6)


@pytest.mark.parametrize("rate", [7_001, 44_056, 191_999])
def test_of_a_rate_without_a_small_filter_memory_is_bounded_too(rate: int) -> None:
    from kft.data.audio import resampling_filter

    samples = sounds.tone(300, 0.9, rate=rate)
    tracemalloc.start()
    found = resampling_filter.apply(samples, rate, 16_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000
    assert len(found) == -(-len(samples) * 16_000 // rate)
    expected = 0.3 * np.sin(2 * np.pi * 300 * np.arange(len(found)) / 16_000)
    # The tone has noise of 0.01.
    assert np.abs(found - expected)[200:-200].max() < 0.08


NAN = np.array([0.0, np.nan, 0.0] * 100, np.float32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a sound"),
        (b"these are words\n" * 40, "cannot be read as a sound"),
        (SOUND[:44], "the sound has no samples"),
        (sounds.encoded(NAN, subtype="FLOAT"), "samples that are no numbers"),
        (sounds.encoded(sounds.tone(300, 1.1)), "longer than --seconds=1"),
    ],
    ids=["empty", "text", "no-samples", "nan", "long"],
)
def test_what_cannot_be_read_says_why(content: bytes, message: str) -> None:
    with pytest.raises(errors.DataError, match=message):
        UTTERANCES.decode(content)


@pytest.mark.parametrize("column", ["text", "transcription", "sentence"])
def test_a_folder_of_which_a_table_lists_the_sounds(tmp_path: Path, column) -> None:
    for split, text in (("train", "Hi you"), ("test", "you")):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.wav").write_bytes(SOUND)
        (tmp_path / split / "b.wav").write_bytes(SOUND)
        table = f"file_name,{column},group\na.wav,{text},x{split}\n"
        (tmp_path / split / "metadata.csv").write_text(table)
    found = _load(f"folder:{tmp_path}", validation_fraction=0.0)
    assert _texts(found.train, found.labels) == ["hi you"]
    assert _texts(found.test, found.labels) == ["you"]
    assert found.test.ids.tolist() == ["test/a.wav"]


def test_files_that_its_table_does_not_list_are_named(tmp_path: Path, caplog) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(SOUND)
    (tmp_path / "metadata.csv").write_text("file_name,text\na.wav,hi\n")
    _load(f"folder:{tmp_path}", validation_fraction=0.0)
    assert "1 of 2 sounds in the folder are left out" in caplog.text


def test_columns_of_a_folder_without_such_a_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(SOUND)
    (tmp_path / "a.txt").write_text("hi")
    made = SpeechRecognitionConfig(
        dataset=f"folder:{tmp_path}", csv_columns=("text=said",)
    )
    with pytest.raises(errors.ConfigError, match="--csv_columns=text=said: expected"):
        tasks.check_dataset(made)


def _shard(path: Path, members: dict[str, bytes]) -> str:
    with tarfile.open(path, "w") as shard:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    return f"webdataset:{path}"


@pytest.mark.parametrize(
    ("ending", "texts", "options"),
    [
        ("txt", [b"Hi you\n", b"12"], {}),
        ("json", [b'{"text": "Hi you"}', b'{"text": "12"}'], {}),
        (
            "json",
            [b'{"a": "Hi you"}', b'{"a": "12"}'],
            {"webdataset_members": ("text=json.a",)},
        ),
    ],
)
def test_shards_have_sounds_with_their_texts(
    tmp_path: Path, ending: str, texts: list[bytes], options: dict
) -> None:
    members = {"a.wav": SOUND, f"a.{ending}": texts[0], "a.cls": b"1"}
    members |= {"b.wav": SOUND, f"b.{ending}": texts[1], "b.cls": b"0"}
    dataset = _shard(tmp_path / "x.tar", members)
    made = SpeechRecognitionConfig(dataset=dataset, validation_fraction=0.0, **options)
    tasks.check_dataset(made)
    found = tasks.load_splits(made)
    assert _texts(found.train, found.labels) == ["hi you", "12"]
    assert found.train.ids.tolist() == ["x.tar/a", "x.tar/b"]
    assert found.train.read(found.train.rows).numpy().tolist() == [SOUND, SOUND]
    known = tasks.load_known(made, found.labels)
    assert _texts(known.parts["train"], known.labels) == ["hi you", "12"]


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ({"a.wav": SOUND, "a.cls": b"1"}, {}, r"its text in \.txt or \.json of"),
        ({"a.wav": SOUND, "a.txt": b"?!"}, {}, r"x\.tar/a: expected a text, rec"),
        ({}, {"webdataset_labels": "x"}, "--webdataset_labels=x is about classes"),
        ({}, {"webdataset_members": ("label=cls",)}, "--webdataset_members: expected"),
    ],
)
def test_shards_without_texts_are_refused(
    tmp_path: Path, members: dict, options: dict, message: str
) -> None:
    made = SpeechRecognitionConfig(
        dataset=_shard(tmp_path / "x.tar", members), **options
    )
    with pytest.raises(errors.KftError, match=message):
        tasks.check_dataset(made)
        tasks.load_splits(made)
