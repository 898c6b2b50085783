import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kft import data, errors, tasks
from kft.config import AudioClassificationConfig
from kft.data.examples import Splits
from kft.data.labels import LabelMap
from kft.tasks import audio_classification

sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")


def _load(dataset: str, **options: object) -> Splits:
    config = AudioClassificationConfig(dataset=dataset, **options)
    return data.load_splits(config, audio_classification.KIND.sources)


def _table(folder: Path, *rows: str) -> str:
    (folder / "sounds.csv").write_text("\n".join(rows) + "\n")
    return f"csv:{folder / 'sounds.csv'}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        content = sounds.encoded(sounds.tone(300, 3.0), rate=8_000)
        (tmp_path / f"{name}.wav").write_bytes(content)
    return tmp_path


def _seconds(splits: Splits) -> dict[str, float]:
    """Return the length of each sound by its id."""
    found = {}
    for part in splits.parts().values():
        payloads = part.read(tf.constant(part.rows)).numpy()
        for name, payload in zip(part.ids, payloads, strict=True):
            found[str(name)] = (len(payload) - 44) / 16_000
    return found


def test_a_row_may_be_a_part_of_a_file(folder: Path) -> None:
    dataset = _table(
        folder,
        "path,label,start,end,split",
        "a.wav,x,0.5,1.25,train",
        "a.wav,y,2.5,,train",
        "./b.wav,x,,,val",
    )
    found = _seconds(_load(dataset))
    assert found == {"a.wav#0.5-1.25": 0.75, "a.wav#2.5": 0.5, "b.wav": 3.0}


def test_of_a_large_file_there_is_no_more_than_the_windows_hold(folder: Path) -> None:
    long = sounds.encoded(sounds.tone(300, 70.0))
    (folder / "a.wav").write_bytes(long)
    rows = (
        "path,label,start,split",
        "a.wav,x,,train",
        "b.wav,y,,train",
        "a.wav,x,9,val",
    )
    found = _seconds(_load(_table(folder, *rows), windows=2))
    assert len(long) > 1_000_000
    assert found == {"a.wav": 2.4, "b.wav": 3.0, "a.wav#9": 2.4}


def test_a_group_stays_in_one_split(folder: Path) -> None:
    rows = [
        f"a.wav,{'xy'[number % 2]},{number / 100},speaker {number % 9}"
        for number in range(200)
    ]
    splits = _load(_table(folder, "path,label,start,group", *rows))
    groups = [
        {round(100 * float(name.partition("#")[2] or 0)) % 9 for name in part.ids}
        for part in splits.parts().values()
    ]
    assert len(groups) == 2 and not groups[0] & groups[1]


@pytest.mark.parametrize("head", ["path,label,start", "path,label,start,group"])
def test_parts_of_one_file_stay_in_one_split(folder: Path, head: str) -> None:
    for number in range(20):
        (folder / f"{number}.wav").write_bytes((folder / "a.wav").read_bytes())
    group = "," if head.endswith("group") else ""
    rows = [
        f"{number % 20}.wav,{'xy'[number % 2]},{number / 100}{group}"
        for number in range(200)
    ]
    splits = _load(_table(folder, head, *rows))
    files = [
        {name.partition("#")[0] for name in part.ids}
        for part in splits.parts().values()
    ]
    assert len(files) == 2 and not files[0] & files[1]


def test_a_table_that_divides_files_itself_is_told(folder: Path, caplog) -> None:
    rows = ("a.wav,x,0,train", "a.wav,y,1,train", "a.wav,y,2,val", "b.wav,x,,val")
    with caplog.at_level("WARNING", logger="absl"):
        splits = _load(_table(folder, "path,label,start,split", *rows))
    assert splits.validation is not None and len(splits.validation) == 2
    assert "1 of 2 files have parts in more than one split (a.wav)" in caplog.text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,x,1,0.5", r"line 3: expected an end behind the start"),
        ("a.wav,x,-1,", r"line 3: expected seconds as start, such as 1.5"),
        ("a.wav,x,soon,", r"line 3: expected seconds as start.*received 'soon'"),
        ("./a.wav,x,,", r"line 3: expected each sound once.*as in line 2"),
        ("c.wav,x,,", r"line 3: expected a file at"),
    ],
    ids=["end", "negative", "word", "twice", "missing"],
)
def test_a_row_that_cannot_be_is_named(folder: Path, row: str, message: str) -> None:
    dataset = _table(folder, "path,label,start,end", "a.wav,y,,", row)
    with pytest.raises(errors.DataError, match=message):
        _load(dataset)


def test_a_run_is_measured_on_a_table_that_lacks_a_class(folder: Path) -> None:
    dataset = _table(folder, "path,label,end", "a.wav,x,1.0")
    config = AudioClassificationConfig(dataset=dataset)
    sources = audio_classification.KIND.sources
    found = data.load_known(config, sources, LabelMap(("w", "x")))
    assert found.parts["train"].labels.tolist() == [1]
    tones = sounds.folder_of_tones(folder / "tones", count=2)
    config = AudioClassificationConfig(dataset=f"folder:{tones}")
    found = data.load_known(config, sources, LabelMap(("high", "low", "noise")))
    (part,) = found.parts.values()
    assert len(part) == 4
    assert part.read(tf.constant(part.rows)).numpy()[0][:4] == b"RIFF"


def test_files_of_other_formats_come_as_wav(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        content = sounds.encoded(sounds.tone(300, 0.5), kind="FLAC")
        (tmp_path / name / "1.flac").write_bytes(content)
    splits = _load(f"folder:{tmp_path}", validation_fraction=0.0)
    payloads = splits.train.read(tf.constant(splits.train.rows)).numpy()
    assert {payload[:4] for payload in payloads} == {b"RIFF"}
    assert np.unique([len(payload) for payload in payloads]).tolist() == [8_044]


def test_a_table_in_a_folder_lists_parts_of_files_and_groups(folder: Path) -> None:
    table = ["file_name,label,start,end,speaker", "a.wav,x,0,1,s", "a.wav,y,1,1.5,s"]
    (folder / "metadata.csv").write_text("\n".join(table) + "\n")
    options = {"csv_columns": ("group=speaker",), "validation_fraction": 0.0}
    made = AudioClassificationConfig(dataset=f"folder:{folder}", **options)
    tasks.check_dataset(made)
    found = tasks.load_splits(made)
    assert _seconds(found) == {"a.wav#0-1": 1.0, "a.wav#1-1.5": 0.5}
    known = tasks.load_known(made, LabelMap(("y", "x")))
    assert known.parts["train"].labels.tolist() == [1, 0]
    (folder / "metadata.csv").write_text("\n".join([*table, table[1]]) + "\n")
    with pytest.raises(errors.DataError, match=r"metadata.csv, line 4: .* in line 2"):
        tasks.check_dataset(made)


def test_sounds_in_shards_are_read_as_far_as_the_windows_go(tmp_path: Path) -> None:
    short = sounds.encoded(sounds.tone(300, 0.5))
    long = sounds.encoded(sounds.tone(300, 70.0))
    members = {"a.wav": short, "a.txt": b"x", "b.wav": long, "b.txt": b"y"}
    with tarfile.open(tmp_path / "x.tar", "w") as shard:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    made = AudioClassificationConfig(
        dataset=f"webdataset:{tmp_path}", validation_fraction=0.0
    )
    tasks.check_dataset(made)
    part = tasks.load_splits(made).train
    assert part.ids.tolist() == ["x.tar/a", "x.tar/b"]
    first, second = part.read(tf.constant(part.rows)).numpy()
    assert first == short
    assert second[:4] == b"RIFF"
    assert len(second) < len(long) / 10
    known = tasks.load_known(made, LabelMap(("y", "x")))
    assert known.parts["train"].labels.tolist() == [1, 0]
    assert len(known.parts["train"].read(tf.constant([1])).numpy()[0]) == len(second)
