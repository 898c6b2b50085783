"""Folders with metadata.csv or metadata.jsonl: what they say, and mistakes in them."""

import csv
import io
import json

import pytest

from kft import config, data, errors, tasks
from kft.data.image.image_payload import IMAGES
from kft.data.labels import LabelMap
from kft.run_folder import split_csv


def _write(root, files):
    """Write files by name; a list is one of JSON lines, a number that many bytes."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = "".join(json.dumps(line) + "\n" for line in content)
        path.write_text("x" * content if isinstance(content, int) else content)
    return root


def _options(root, **options):
    options = {"validation_fraction": 0.0, **options}
    return config.ImageOptions(dataset=f"folder:{root}", **options)


def _load(root, **options):
    return tasks.load_splits(_options(root, **options))


def _load_known(root, **options):
    config = _options(root, **options)
    return data.load_known(config, data.sources_of(IMAGES), LabelMap(("cat", "dog")))


def _rows(result):
    """Return (id, label, split) of every example."""
    return [
        tuple(row.values())
        for row in csv.DictReader(io.StringIO(split_csv.text(result)))
    ]


def _refused(root, message, **options):
    with pytest.raises(errors.KftError, match=f"(?s){message}") as caught:
        tasks.check_dataset(_options(root, **options))
    return str(caught.value)


_TABLE = "file_name,label\na.jpg,cat\nmore/b.jpg,dog\n"
_LINES = [
    {"file_name": "a.jpg", "label": "cat"},
    {"label": "dog", "file_name": "more/b.jpg"},
]
_IMAGES = {"a.jpg": 1, "more/b.jpg": 2}


@pytest.mark.parametrize(
    "metadata", [{"metadata.csv": _TABLE}, {"metadata.jsonl": _LINES}]
)
@pytest.mark.parametrize("around", ["", "data/"])
def test_a_table_lists_the_files(tmp_path, metadata, around):
    files = {f"{around}{name}": text for name, text in (_IMAGES | metadata).items()}
    result = _load(_write(tmp_path, files))
    assert _rows(result) == [
        (f"{around}a.jpg", "cat", "train"),
        (f"{around}more/b.jpg", "dog", "train"),
    ]
    payloads = result.train.read(result.train.rows).numpy()
    assert [len(payload) for payload in payloads] == [1, 2]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_folders_of_splits_have_a_table_each(tmp_path, name):
    table = _TABLE if name.endswith("csv") else _LINES
    files = {
        f"{split}/{file}": content
        for split in ("train", "validation", "test")
        for file, content in {**_IMAGES, name: table}.items()
    }
    result = _load(_write(tmp_path, files))
    assert [row for row in _rows(result) if row[1] == "dog"] == [
        ("train/more/b.jpg", "dog", "train"),
        ("validation/more/b.jpg", "dog", "validation"),
        ("test/more/b.jpg", "dog", "test"),
    ]


def test_columns_are_those_of_tables(tmp_path):
    table = "image,kind,patient,set\na.jpg,cat,1,train\nmore/b.jpg,dog,2,train\n"
    root = _write(tmp_path, {**_IMAGES, "c.jpg": 3})
    (root / "metadata.csv").write_text(f"{table}c.jpg,dog,2,train\n")
    columns = ("path=image", "label=kind", "group=patient", "split=set")
    tasks.check_dataset(_options(root, csv_columns=columns))
    result = _load(root, csv_columns=columns)
    assert [row[:2] for row in _rows(result)] == [
        ("a.jpg", "cat"),
        ("more/b.jpg", "dog"),
        ("c.jpg", "dog"),
    ]
    (root / "metadata.csv").write_text(f"{table}c.jpg,dog,2,val\n")
    _refused(root, "line 4: expected the group '2' in one split", csv_columns=columns)


def test_a_column_that_one_split_lacks_is_empty_there(tmp_path):
    files = {
        "test/metadata.csv": "file_name,label,group\na.jpg,x,1\n",
        "train/metadata.csv": "file_name,label\na.jpg,x\nb.jpg,y\n",
    }
    images = dict.fromkeys(("train/a.jpg", "train/b.jpg", "test/a.jpg"), 1)
    root = _write(tmp_path, files | images)
    assert len(_load(root).test) == 1
    (root / "test/metadata.csv").write_text("file_name,label,patient\na.jpg,x,1\n")
    assert len(_load(root, csv_columns=("group=patient",)).test) == 1
    _refused(
        root,
        "train/metadata.csv and .*test/metadata.csv: expected a column 'who'",
        csv_columns=("group=who",),
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"metadata.csv": "file_name,label\na.jpg,x|y\nmore/b.jpg,\n"},
        {
            "metadata.jsonl": [
                {"file_name": "a.jpg", "label": ["x", "y"]},
                {"file_name": "more/b.jpg", "label": []},
            ]
        },
    ],
)
def test_images_may_be_of_several_classes(tmp_path, metadata):
    root = _write(tmp_path, _IMAGES | metadata)
    tasks.check_dataset(_options(root, multi_label=True))
    result = _load(root, multi_label=True)
    assert result.labels.names == ("x", "y")
    assert result.train.labels.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_truth_values_are_switches(tmp_path):
    lines = [
        {"file_name": "a.jpg", "x": True, "y": True},
        {"file_name": "more/b.jpg", "x": False, "y": 1},
    ]
    root = _write(tmp_path, {**_IMAGES, "metadata.jsonl": lines})
    result = _load(root, multi_label=True, label_columns=("x", "y"))
    assert result.train.labels.tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_a_label_may_be_a_number_of_any_length(tmp_path):
    long = "9" * 400
    text = f'{{"file_name": "a.jpg", "label": {long}}}\n'
    text += '{"file_name": "more/b.jpg", "label": ["1"]}\n'
    root = _write(tmp_path, {**_IMAGES, "metadata.jsonl": text})
    assert _load(root).labels.names == ("1", long)


def test_what_no_line_names_is_left_out_and_said(tmp_path, caplog):
    root = _write(tmp_path, {**_IMAGES, "metadata.csv": _TABLE, "more/c.jpg": 3})
    assert len(_load(root).train) == 2
    assert "1 of 3 images in the folder are left out" in caplog.text
    assert "for no line of metadata.csv names them: more/c.jpg. Add" in caplog.text


def test_where_all_are_named_nothing_is_said(tmp_path, caplog):
    _load(_write(tmp_path, {**_IMAGES, "metadata.csv": _TABLE}))
    assert caplog.text == ""


def test_absolute_paths_are_named_too(tmp_path, caplog, monkeypatch):
    table = f"file_name,label\n{tmp_path}/f/a.jpg,cat\n{tmp_path}/f/more/b.jpg,dog\n"
    _write(tmp_path / "f", {**_IMAGES, "metadata.csv": table})
    monkeypatch.chdir(tmp_path)
    assert len(_load("f").train) == 2
    assert caplog.text == ""


def test_a_run_is_measured_on_a_part(tmp_path):
    files = {"test/metadata.csv": "file_name,label\na.jpg,dog\n", "test/a.jpg": 1}
    found = _load_known(_write(tmp_path, files))
    assert found.labels.names == ("cat", "dog")
    assert found.parts["test"].labels.tolist() == [1]


def _folders(**more):
    return {"cat/a.jpg": 1, "dog/b.jpg": 2, **more}


def test_class_folders_beside_a_table_of_something_else_are_classes(tmp_path, caplog):
    root = _write(tmp_path, _folders(**{"metadata.csv": "id,camera\n1,x\n"}))
    tasks.check_dataset(_options(root))
    assert [row[1] for row in _rows(_load(root))] == ["cat", "dog"]
    assert "metadata.csv: not used, expected a column 'file_name'" in caplog.text


_OTHER = "id,camera\n1,x\n"
_OTHER_TABLES = {
    "of the test images": {
        "train/cat/a.jpg": 1,
        "train/dog/b.jpg": 2,
        "test/c.jpg": 3,
        "test/metadata.csv": _OTHER,
    },
    "beside training alone": {
        "train/cat/a.jpg": 1,
        "train/dog/b.jpg": 2,
        "metadata.csv": _OTHER,
    },
    "beside a folder around": {
        "images/cat/a.jpg": 1,
        "images/dog/b.jpg": 2,
        "metadata.csv": _OTHER,
    },
    "twice": _folders(**{"metadata.csv": _OTHER, "metadata.parquet": 8}),
}


@pytest.mark.parametrize("name", _OTHER_TABLES)
def test_a_table_of_something_else_is_left_alone(tmp_path, name):
    root = _write(tmp_path, _OTHER_TABLES[name])
    tasks.check_dataset(_options(root))
    assert [row[1] for row in _rows(_load(root))] == ["cat", "dog"]


@pytest.mark.parametrize(
    "files",
    [
        {"cat/a.jpg": 1, "metadata.csv": _OTHER},
        {
            "validation/cat/a.jpg": 1,
            "test/b.jpg": 2,
            "test/metadata.csv": _OTHER,
        },
    ],
)
def test_one_class_folder_is_measured_beside_a_table_of_something_else(tmp_path, files):
    (part,) = _load_known(_write(tmp_path, files)).parts.values()
    assert part.labels.tolist() == [0]


def test_of_two_tables_that_one_counts_which_lists_files(tmp_path, caplog):
    files = {"metadata.csv": _OTHER, "metadata.jsonl": _LINES}
    assert len(_load(_write(tmp_path, _IMAGES | files)).train) == 2
    assert "metadata.csv: not used" in caplog.text
    assert "listed in metadata.jsonl" in caplog.text


def test_a_run_is_measured_on_its_class_folders_whatever_is_beside(tmp_path, caplog):
    table = {"metadata.csv": "file_name,caption\ncat/a.jpg,x\ndog/b.jpg,y\n"}
    found = _load_known(_write(tmp_path, _folders(**table)))
    assert found.parts["train"].labels.tolist() == [0, 1]
    assert "metadata.csv: not used, for it has no column 'label'" in caplog.text


def test_what_has_no_flag_is_not_advised(tmp_path):
    table = {"metadata.csv": "file_name,caption\nbird/a.jpg,x\n"}
    root = _write(tmp_path, {"bird/a.jpg": 1, **table})
    with pytest.raises(errors.DataError, match="folders bird: move this file away"):
        _load_known(root)


@pytest.mark.parametrize("place", ["", "train/"])
def test_classes_of_splits_are_read_where_asked_for(tmp_path, place):
    table = "file_name,caption\ncat/a.jpg,x\n"
    files = {"train/cat/a.jpg": 1, "train/dog/b.jpg": 2, "test/cat/c.jpg": 3}
    root = _write(tmp_path, {**files, f"{place}metadata.csv": table})
    if place:
        (root / "test/metadata.csv").write_text(table)
    _refused(root, "the folders cat, dog: --folder_layout=splits")
    assert len(_load(root, folder_layout="splits").train) == 2


def test_a_split_of_class_folders_beside_one_of_a_table_is_refused(tmp_path):
    files = {
        "train/a.jpg": 1,
        "train/more/b.jpg": 2,
        "train/metadata.csv": _TABLE,
        "validation/cat/a.jpg": 1,
        "validation/dog/b.jpg": 2,
    }
    _refused(
        _write(tmp_path, files),
        "train/metadata.csv: .*each split, received none in validation.*cat, dog",
    )


def test_files_of_a_test_split_need_no_table(tmp_path):
    files = {"train/metadata.csv": _TABLE, "test/images/c.jpg": 1}
    files |= {f"train/{name}": size for name, size in _IMAGES.items()}
    assert len(_load(_write(tmp_path, files)).train) == 2


def test_class_folders_beside_a_table_without_labels_are_asked_about(tmp_path):
    table = "file_name,caption\ncat/a.jpg,x\ndog/b.jpg,y\n"
    root = _write(tmp_path, _folders(**{"metadata.csv": table}))
    message = _refused(root, "no column 'label'.*--csv_columns=label=NAME")
    assert "cat, dog: --folder_layout=classes" in message
    assert len(_load(root, folder_layout="classes").train) == 2
    assert _load(root, csv_columns=("label=caption",)).labels.names == ("x", "y")


def test_class_folders_of_training_are_read_whatever_lists_the_test(tmp_path):
    files = {"train/cat/a.jpg": 1, "train/dog/b.jpg": 2, "test/c.jpg": 3}
    table = {"test/metadata.csv": "file_name,label\nc.jpg,cat\n"}
    assert len(_load(_write(tmp_path, files | table)).train) == 2


def test_several_classes_of_a_class_folder_are_refused(tmp_path):
    root = _write(tmp_path, _folders())
    _refused(root, "--multi_label.*one class.*metadata.csv", multi_label=True)
    with pytest.raises(errors.ConfigError, match="--multi_label"):
        _load_known(root, multi_label=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"csv_columns": ("path=x",)}, "--csv_columns=path=x: expected metadata.csv"),
        (
            {"label_columns": ("a",), "multi_label": True},
            "--label_columns=a: expected metadata.csv",
        ),
    ],
)
def test_columns_of_a_folder_without_a_table_are_refused(tmp_path, options, message):
    _refused(_write(tmp_path, _folders()), message, **options)


MISTAKES = {
    "two in one folder": (
        {"metadata.csv": _TABLE, "metadata.jsonl": _LINES},
        "metadata.csv and metadata.jsonl in .*Remove all but one",
    ),
    "above and in a split": (
        {"metadata.csv": _TABLE, "train/metadata.csv": _TABLE},
        "metadata.csv: expected the files listed here, or in.*train/metadata.csv",
    ),
    "two folders of a split": (
        {"train/metadata.csv": _TABLE, "train_2/metadata.csv": _TABLE},
        "train_2/metadata.csv: expected one folder for each split",
    ),
    "no column of files": (
        {"metadata.csv": "name,label\na.jpg,cat\n"},
        "metadata.csv: expected a column 'file_name'.*--csv_columns=path=NAME",
    ),
    "no key of files": (
        {"metadata.jsonl": [{"name": "a.jpg"}]},
        "metadata.jsonl: expected a column 'file_name'",
    ),
    "no column of labels": (
        {"metadata.csv": "file_name,kind\na.jpg,cat\n"},
        "'label' is missing.*--csv_columns=path=NAME,label=NAME",
    ),
    "no key of labels": (
        {"metadata.jsonl": [{"file_name": "a.jpg", "kind": "cat"}]},
        "metadata.jsonl: expected the keys file_name, label.*--csv_columns",
    ),
    "no label in a line": (
        {"metadata.jsonl": [*_LINES, {"file_name": "c.jpg", "label": None}]},
        "metadata.jsonl, line 3: expected a label, received ''",
    ),
    "an object as a label": (
        {"metadata.jsonl": [{"file_name": "a.jpg", "label": {"x": 1}}]},
        "metadata.jsonl, line 1: expected a text or a number as 'label'",
    ),
    "a name with the sign between names": (
        {"metadata.jsonl": [{"file_name": "a.jpg", "label": ["x|y"]}]},
        r"metadata.jsonl, line 1: expected texts without \| in the list 'label'",
    ),
    "a key twice": (
        {"metadata.jsonl": [{"file_name": "a.jpg", "label": "x", "Label": "q"}]},
        "metadata.jsonl, line 1: .*each key once, .*two are 'label'",
    ),
    "several classes": (
        {"metadata.jsonl": [{"file_name": "a.jpg", "label": ["x", "y"]}]},
        "line 1: expected one label, received .'x', 'y'.*--multi_label",
    ),
    "thousands of digits": (
        {"metadata.jsonl": f'{{"label": {"9" * 5000}}}\n'},
        "metadata.jsonl, line 1: expected a JSON object, which cannot be read",
    ),
    "thousands of brackets": (
        {"metadata.jsonl": f'{{"label": {"[" * 100_000}\n'},
        "metadata.jsonl, line 1: expected a JSON object, which cannot be read",
    ),
    "sounds": (
        {"metadata.csv": "file_name,label\na.wav,cat\nb.wav,dog\n"},
        r"metadata.csv: expected images \(.jpg, .*received other files: .wav 2",
    ),
    "no JSON": (
        {"metadata.jsonl": "[\n"},
        "metadata.jsonl, line 1: expected a JSON object",
    ),
    "a file twice": (
        {"metadata.csv": f"{_TABLE}./a.jpg,cat\n"},
        "metadata.csv, line 4: expected each path once.*as in line 2",
    ),
    "a file twice in two tables": (
        {
            "train/metadata.csv": _TABLE,
            "test/metadata.csv": "file_name,label\n../train/a.jpg,cat\n",
        },
        "line 2: expected each path once.*as in .*metadata.csv, line 2",
    ),
    "another split": (
        {"train/metadata.csv": "file_name,label,split\na.jpg,cat,test\n"},
        "train/metadata.csv, line 2: expected the split train.*received 'test'",
    ),
    "one class": (
        {"metadata.csv": "file_name,label\na.jpg,cat\n"},
        "expected training rows of at least 2 classes",
    ),
    "no training": (
        {"test/metadata.csv": _TABLE},
        "expected rows of the split train",
    ),
    "Parquet": ({"metadata.parquet": 8}, "Parquet is not read. Save it as CSV"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(tmp_path, name):
    files, message = MISTAKES[name]
    multi_label = name == "a name with the sign between names"
    _refused(_write(tmp_path, _IMAGES | files), message, multi_label=multi_label)


def test_tasks_of_other_files_are_not_advised(tmp_path):
    lines = [{"file_name": "a.jpg", "label": {"x": 1}, "text": "hello"}]
    root = _write(tmp_path, {**_IMAGES, "metadata.jsonl": lines})
    assert "is read by" not in _refused(root, "line 1: expected a text or a number")


def test_a_file_that_is_not_there_is_named_with_its_line(tmp_path):
    files = {"train/metadata.csv": _TABLE, "train/a.jpg": 1}
    root = _write(tmp_path, files)
    with pytest.raises(errors.DataError) as caught:
        _load(root)
    assert "train/metadata.csv, line 3: expected a file at" in str(caught.value)
    assert "train/more/b.jpg" in str(caught.value)
    assert len(_load(root, on_bad_image="skip").train) == 2
