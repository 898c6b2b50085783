"""Tables of images: what they may look like, and what is said of mistakes."""

import bz2
import csv
import gzip
import io
import re
import subprocess
import sys
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kft import config, errors, tasks
from kft.data import examples, splits
from kft.data.labels import LabelMap
from kft.run_folder import split_csv


def _table(root, text, *, encoding="utf-8"):
    """Write a table, and a file for each path of its first column."""
    for line in text.splitlines()[1:]:
        name = re.split("[,;|\t]", line)[0].strip().strip('"')
        if name and not name.startswith("gone"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(name.encode())
    path = root / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _load(path, **options):
    options = {"validation_fraction": 0.0, **options}
    return tasks.load_splits(config.ImageOptions(dataset=f"csv:{path}", **options))


def _rows(result):
    """Return (id, label, split) of every example."""
    return [
        tuple(row.values())
        for row in csv.DictReader(io.StringIO(split_csv.text(result)))
    ]


_PETS = [("a/1.jpg", "dog"), ("2.jpg", "cat"), ("ü x.jpg", "dog"), ("4.jpg", "cat")]


@pytest.mark.parametrize("separator", [",", "\t", " , ", ";", " ; ", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_commas_tabs_and_any_line_ends_are_read(tmp_path, separator, end, encoding):
    lines = [separator.join(pair) for pair in [("path", "label"), *_PETS]]
    result = _load(_table(tmp_path, end.join(lines), encoding=encoding))
    assert result.labels.names == ("cat", "dog")
    assert _rows(result) == [(*pair, "train") for pair in _PETS]
    payloads = result.train.read(result.train.rows).numpy()
    assert [payload.decode() for payload in payloads] == result.train.ids.tolist()


def test_columns_come_in_any_order_and_others_do_not_count(tmp_path, caplog):
    text = "Label,note,PATH\ndog,x,1.jpg\ncat,,2.jpg\n"
    (tmp_path / "1.jpg").write_bytes(b"1")
    (tmp_path / "2.jpg").write_bytes(b"2")
    (tmp_path / "t.csv").write_text(text)
    result = _load(tmp_path / "t.csv")
    assert _rows(result) == [("1.jpg", "dog", "train"), ("2.jpg", "cat", "train")]
    assert "these columns are not used: note" in caplog.text


def test_columns_may_be_called_otherwise(tmp_path):
    for name in "123":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    text = "File Name,Species,label,fold\n1.jpg,dog,x,train\n2.jpg,cat,x,val\n"
    (tmp_path / "t.csv").write_text(text + "3.jpg,cat,x,train\n")
    columns = ("path=file name", "label=species", "split=Fold")
    result = _load(tmp_path / "t.csv", csv_columns=columns)
    assert _rows(result) == [
        ("1.jpg", "dog", "train"),
        ("3.jpg", "cat", "train"),
        ("2.jpg", "cat", "validation"),
    ]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (("label=breed",), errors.DataError, "line 1.*'breed' is missing"),
        (
            ("group=patient",),
            errors.DataError,
            "'patient', as --csv_columns=group=patient",
        ),
        (("labels=x",), errors.ConfigError, "--csv_columns.*Did you mean label"),
    ],
)
def test_columns_that_are_not_there_are_named(tmp_path, columns, error, message):
    path = _table(tmp_path, "path,label\n1,a\n2,b\n")
    settings = config.ImageOptions(dataset=f"csv:{path}", csv_columns=columns)
    with pytest.raises(error, match=message):
        tasks.check_dataset(settings)


def test_the_separator_is_the_one_that_finds_the_columns(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"1")
    (tmp_path / "2.jpg").write_bytes(b"2")
    text = "path;label;note, or two\n1.jpg;a;x, y\n2.jpg;b;z\n"
    for head in ("", "sep=;\n", '"sep=;"\r\n'):
        (tmp_path / "t.csv").write_text(head + text)
        assert _load(tmp_path / "t.csv").train.ids.tolist() == ["1.jpg", "2.jpg"]


def _write_files(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_ids_of_absolute_paths_do_not_depend_on_the_place(tmp_path):
    names = [f"{label}/{n}.jpg" for label in ("cat", "dog") for n in range(20)]
    found = set()
    for place in ("x", "y/z"):
        _write_files(tmp_path / place, names)
        lines = [f"{tmp_path}/{place}/{name},{name[:3]}" for name in names]
        table = tmp_path / f"{place[0]}.csv"
        table.write_text("\n".join(["path,label", *lines]))
        result = _load(table, validation_fraction=0.3)
        assert _rows(result)[0][0].startswith(("cat/", "dog/"))
        found.add((result.fingerprint, tuple(_rows(result))))
    assert len(found) == 1


def test_absolute_paths_among_relative_ones_become_relative(tmp_path):
    _write_files(tmp_path, ["t/1.jpg", "t/2.jpg", "far/3.jpg"])
    lines = ["1.jpg,a", f"{tmp_path}/t/2.jpg,b", f"{tmp_path}/far/3.jpg,b"]
    (tmp_path / "t/t.csv").write_text("\n".join(["path,label", *lines]))
    result = _load(tmp_path / "t/t.csv")
    assert result.train.ids.tolist() == ["1.jpg", "2.jpg", "../far/3.jpg"]
    payloads = result.train.read(result.train.rows).numpy().tolist()
    assert payloads == [b"t/1.jpg", b"t/2.jpg", b"far/3.jpg"]


def test_a_file_by_a_relative_and_an_absolute_path_is_one(tmp_path):
    _write_files(tmp_path, ["1.jpg", "2.jpg"])
    lines = ["1.jpg,a", "2.jpg,b", f"{tmp_path}/1.jpg,b"]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *lines]))
    with pytest.raises(errors.DataError, match="line 4: expected each path once"):
        _load(tmp_path / "t.csv")


def test_paths_as_windows_writes_them_are_read(tmp_path):
    _write_files(tmp_path, ["cat/1.jpg", "dog/2.jpg"])
    text = "path,label\ncat\\1.jpg,cat\n.\\dog\\2.jpg,dog\n"
    (tmp_path / "t.csv").write_text(text)
    result = _load(tmp_path / "t.csv")
    assert result.train.ids.tolist() == ["cat/1.jpg", "dog/2.jpg"]
    assert len(result.train.read(result.train.rows)) == 2


def test_a_backslash_in_the_name_of_a_file_stays(tmp_path):
    _write_files(tmp_path, ["a\\1.jpg", "b.jpg"])
    (tmp_path / "t.csv").write_text("path,label\na\\1.jpg,a\nb.jpg,b\n")
    assert _load(tmp_path / "t.csv").train.ids.tolist() == ["a\\1.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("000bec", "There is 'train/000bec.jpg': write paths with their folder and"),
        ("train/000bec", "There is 'train/000bec.jpg'"),
        ("000bec.jpg", "There is 'train/000bec.jpg'"),
        ("D:\\pets\\000bec.jpg", "drive of a Windows machine"),
        ("nowhere", "relative to the folder of the table.$"),
        ("/nowhere/1.jpg", "relative to the folder of the table.$"),
    ],
)
def test_advice_on_a_missing_file_says_where_one_is(tmp_path, path, message):
    _write_files(tmp_path, ["train/000bec.jpg", "train/b.jpg"])
    (tmp_path / "t.csv").write_text(f"path,label\n{path},a\ntrain/b.jpg,b\n")
    with pytest.raises(errors.DataError, match=message):
        _load(tmp_path / "t.csv")


def test_paths_as_seen_from_elsewhere_are_explained(tmp_path, monkeypatch):
    _write_files(tmp_path, ["photos/1.jpg", "photos/2.jpg"])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/t.csv").write_text("path,label\nphotos/1.jpg,a\nb,b\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.DataError, match=r"There is 'photos/1.jpg' in the work"):
        _load("tables/t.csv")


def test_a_quoted_field_may_hold_the_separator(tmp_path):
    (tmp_path / "a,b.jpg").write_bytes(b"1")
    (tmp_path / "c.jpg").write_bytes(b"2")
    (tmp_path / "t.csv").write_text('path,label\n"a,b.jpg",dog\nc.jpg,cat\n')
    assert _load(tmp_path / "t.csv").train.ids.tolist() == ["a,b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        # Quoted: a sign that stands for itself is doubled.
        ('"so ""called"" dog"', '"cat"', ['so "called" dog', "cat"]),
        ('"a\tdog"', "cat", ["a\tdog", "cat"]),
        ('"a\n"', "cat", ["a", "cat"]),
        # Not quoted: a quote is one, and no row goes on in the next.
        ('"Dog", she said', 'cat"', ['"Dog", she said', 'cat"']),
        ('"dog', 'cat"', ['"dog', 'cat"']),
        ('"dog" or so', "cat", ['"dog" or so', "cat"]),
    ],
)
def test_quotes_in_tables_with_tabs_are_those_of_their_writer(
    tmp_path, first, second, labels
):
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "t.tsv").write_text(f"label\tpath\n{first}\t1.jpg\n{second}\t2.jpg\n")
    assert [row[1] for row in _rows(_load(tmp_path / "t.tsv"))] == labels


def test_the_split_column_decides(tmp_path):
    text = "path,label,split\n1,a,train\n2,b,training\n3,a,val\n4,b,Test\n"
    result = _load(_table(tmp_path, text), validation_fraction=0.5)
    assert [row[2] for row in _rows(result)] == ["train"] * 2 + ["validation", "test"]


def test_the_place_of_the_table_does_not_matter(tmp_path, monkeypatch):
    prints = set()
    for name in ("x", "y/z"):
        (tmp_path / name).mkdir(parents=True)
        path = _table(tmp_path / name, "path,label\n1,a\n2,b\n")
        prints.add(_load(path).fingerprint)
        monkeypatch.chdir(path.parent)
        found = tasks.load_splits(
            config.ImageOptions(dataset="csv:table.csv", validation_fraction=0.0)
        )
        assert found.train.read(found.train.rows).numpy().tolist() == [b"1", b"2"]
    assert len(prints) == 1


_MISTAKES = {
    "no header": (
        "1,a\n2,b\n",
        "line 1.*'path' is missing.*without names needs a first line",
    ),
    "no label": ("path,class\n1,a\n", "line 1.*path, label.*'label' is missing"),
    "two labels": ("path,label,label\n1,a,b\n", "line 1.*two are 'label'"),
    "colons": ("path:label\n1:a\n", "line 1.*'path' is missing"),
    "other names": ("id,breed\n1,a\n", "--csv_columns=path=NAME,label=NAME"),
    "semicolons": ("path;label\n1;a\n2;b;c\n", "2 fields with semicolons"),
    "one file in two spellings": (
        "path,label\nx/1,a\nC:\\x\\1,b\nx\\1,b\n",
        "line 4: expected each path once",
    ),
    "mixed separators": ("path,label\n1,a\n2\tb\n", "line 3: expected 2 fields"),
    "too many fields": (
        "path,label\n1,a\n\n2,b,c\n",
        "line 4: expected 2 fields.* A value with commas in it stands in double quotes",
    ),
    "empty label": ("path,label\n1,a\n2,\n", "line 3: expected a label"),
    "empty path": ("path,label\n ,a\n2,b\n", "line 2: expected a path"),
    "mixed in the header": ("path,label\tsplit\n1,a\tb\n", "'path' is missing"),
    "mixed in a row": ("path\tlabel\n1\ta\n2,b\n", "line 3: .*2 fields with tabs"),
    "same path": ("path,label\n1,a\n2,b\n./1,a\n", "line 4: .*'./1' as in line 2"),
    "open quote": ('path,label\n1,a\n"2,b\n', "line 3: expected a row"),
    "unknown split": (
        "path,label,split\n1,a,train\n2,b,prueba\n",
        "line 3: expected the split train, validation, test, received 'prueba'",
    ),
    "unknown label": (
        "path,label,split\n1,daisy,train\n2,rose,train\n3,roses,test\n",
        "line 4: .*received 'roses'. Did you mean rose",
    ),
    "no training": ("path,label,split\n1,a,val\n2,b,val\n", "of the split train"),
    "no rows": ("path,label\n", "expected rows"),
    "nothing": ("", "expected rows"),
    "one class": ("path,label\n1,a\n2,a\n", "at least 2 classes"),
    "split group": (
        "path,label,split,group\n1,a,train,g\n2,b,train,\n3,a,test,g\n",
        "line 4: expected the group 'g' in one split, received test, and train in .* 2",
    ),
}


@pytest.mark.parametrize("name", _MISTAKES)
def test_a_mistake_is_named_with_its_line(tmp_path, name):
    text, message = _MISTAKES[name]
    path = tmp_path / "t.csv"
    path.write_text(text)
    settings = config.ImageOptions(dataset=f"csv:{path}")
    with pytest.raises(errors.DataError, match=f"(?s){message}"):
        tasks.check_dataset(settings)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xff\xd8\xff\xe0 image")
    with pytest.raises(errors.DataError, match="text file in UTF-8.*CSV UTF-8"):
        _load(tmp_path / "t.csv")


def test_a_table_that_is_not_there_is_a_config_error(tmp_path):
    (tmp_path / "flowers.csv").touch()
    with pytest.raises(errors.ConfigError, match=r"Did you mean flowers\.csv"):
        _load(tmp_path / "flower.csv")
    for path in ("", tmp_path / "no" / "t.csv"):
        with pytest.raises(errors.ConfigError, match="there is no file"):
            _load(path)
    with pytest.raises(errors.ConfigError, match="is a folder. Name a file in it"):
        _load(tmp_path)


def test_a_spreadsheet_is_called_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(errors.DataError, match="received a spreadsheet or an archive"):
        _load(tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"path,label\n1,a\n2,b\n"), "an archive .gzip.. Unpack it"),
        (bz2.compress(b"path,label\n" + bytes(99)), "an archive .bzip2.. Unpack it"),
        (b"PAR1\x15\x00\x15\xff", "a Parquet file. Save the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "a spreadsheet. Save"),
    ],
    ids=["gzip", "bzip2", "Parquet", "old Excel"],
)
def test_files_of_other_kinds_are_called_what_they_are(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(errors.DataError, match=f"received {message}"):
        _load(tmp_path / "t.csv")


def test_a_column_that_looks_like_the_group_is_named(tmp_path, caplog):
    rows = "1,a,10,ann\n2,b,11,ann\n3,a,12,bob\n"
    path = _table(tmp_path, f"path,label,recording,Speaker ID\n{rows}")
    _load(path, validation_fraction=0.0)
    said = "Speaker ID looks like the group: '--csv_columns=group=Speaker ID' takes it"
    assert said in caplog.text
    # Nothing that is another one in every row keeps rows together.
    assert "recording looks like" not in caplog.text
    caplog.clear()
    _load(path, validation_fraction=0.0, csv_columns=("group=Speaker ID",))
    assert "looks like the group" not in caplog.text


def test_a_column_that_looks_like_the_split_is_named_once(tmp_path, caplog):
    rows = "1,a,train,x\n2,b,train,train\n3,a,Test,train\n"
    path = _table(tmp_path, f"path,label,set,note\n{rows}")
    settings = config.ImageOptions(dataset=f"csv:{path}", validation_fraction=0.0)
    tasks.check_dataset(settings)
    assert set(tasks.load_splits(settings).parts()) == {"train"}
    said = "set looks like the split: --csv_columns=split=set takes it"
    assert caplog.text.count(said) == 1
    found = _load(path, csv_columns=("split=set",))
    assert set(found.parts()) == {"train", "test"}
    _load(_table(tmp_path, f"path,label,split,other\n{rows}"))
    assert "other looks like" not in caplog.text


def test_a_column_without_a_name_is_told_by_its_number(tmp_path, caplog):
    (tmp_path / "1.jpg").touch()
    (tmp_path / "2.jpg").touch()
    (tmp_path / "t.csv").write_text(",path,label\n0,1.jpg,a\n1,2.jpg,b\n")
    _load(tmp_path / "t.csv")
    assert "these columns are not used: number 1. Known" in caplog.text


def test_a_image_that_is_not_there_is_named_unless_bad_ones_are_skipped(tmp_path):
    path = _table(tmp_path, "path,label\n1,a\n2,b\ngone,a\n")
    with pytest.raises(errors.DataError, match=r"line 4: .*gone'.*\. 1 of 3 are not"):
        _load(path)
    assert len(_load(path, on_bad_image="skip").train) == 3


def test_no_group_is_on_two_sides(tmp_path):
    lines = [f"{n},{'ab'[n % 2]},patient {n // 4}" for n in range(400)]
    path = _table(tmp_path, "\n".join(["path,label,group", *lines]))
    result = _load(path, validation_fraction=0.3, test_fraction=0.2)
    by_group = {}
    for name, _, split in _rows(result):
        by_group.setdefault(int(name) // 4, set()).add(split)
    assert {len(found) for found in by_group.values()} == {1}
    assert 0.2 < len(result.validation) / 400 < 0.4
    assert 0.1 < len(result.test) / 400 < 0.3


@hypothesis.given(
    st.lists(st.sampled_from(["", "g", "h", "i", "j"]), min_size=4, max_size=30),
    st.integers(4, 30),
)
def test_more_of_a_group_follow_it_and_move_nothing(groups, first):
    keys = [group or str(i) for i, group in enumerate(groups)]
    cut = splits.assign(keys, validation_fraction=0.4, test_fraction=0.0)
    few_of_a_class = [set(cut[start:first:2]) for start in (0, 1)]
    hypothesis.assume(all("train" in found for found in few_of_a_class))

    def split_of_each(groups):
        n = len(groups)
        table = examples.Table(
            ids=np.array([str(i) for i in range(n)]),
            labels=np.arange(n, dtype=np.int32) % 2,
            sizes=np.zeros(n, np.int64),
            split_names=np.full(n, "train"),
            read=lambda rows: rows,
            groups=np.array(groups),
        )
        options = config.ImageOptions(dataset="csv:x", validation_fraction=0.4)
        try:
            made = splits.assemble(LabelMap(("a", "b")), table, options)
        except errors.DataError:
            hypothesis.reject()
        return {i: split for split, part in made.parts().items() for i in part.ids}

    few, many = split_of_each(groups[:first]), split_of_each(groups)
    assert few.items() <= many.items()
    by_group = {(groups[int(i)], split) for i, split in many.items() if groups[int(i)]}
    assert len(by_group) == len({group for group, _ in by_group})


def test_a_rename_of_a_column_does_not_move_examples_without_groups(tmp_path):
    lines = [f"{n},{'ab'[n % 2]}," for n in range(50)]
    plain = _table(tmp_path, "\n".join(["path,label,other", *lines]))
    before = _rows(_load(plain, validation_fraction=0.3))
    grouped = _table(tmp_path, "\n".join(["path,label,group", *lines]))
    assert _rows(_load(grouped, validation_fraction=0.3)) == before


def test_the_check_needs_no_tensorflow(tmp_path):
    path = _table(tmp_path, "path,label\n1,a\n2,b\n")
    code = (
        "import sys; from kft import config, tasks; "
        f"tasks.check_dataset(config.ImageOptions(dataset='csv:{path}')); "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
