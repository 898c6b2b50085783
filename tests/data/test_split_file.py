"""A split.csv decides the splits of another run."""

import pytest

from kft import config, errors, tasks
from kft.run_folder import split_csv


@pytest.fixture
def root(tmp_path):
    """Return a folder of two classes of 15 files; one begins with a space."""
    for number in range(30):
        path = tmp_path / "data" / ("a", " b")[number % 2] / f" {number}, ü.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "data"


def _load(root, **options):
    return tasks.load_splits(config.ImageOptions(dataset=f"folder:{root}", **options))


def _write(root, text):
    path = root.parent / "split.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def _ids(part):
    return [] if part is None else part.ids.tolist()


def test_the_split_csv_of_a_run_comes_back(root):
    first = _load(root, validation_fraction=0.3, test_fraction=0.2)
    path = _write(root, split_csv.text(first))
    again = _load(root, validation_fraction=0.1, split_file=path)
    assert split_csv.text(again) == split_csv.text(first)
    assert again.fingerprint == first.fingerprint


def test_nothing_is_cut_where_the_file_has_no_such_split(root):
    path = _write(root, split_csv.text(_load(root, validation_fraction=0.0)))
    made = _load(root, validation_fraction=0.5, test_fraction=0.2, split_file=path)
    assert (len(made.train), made.validation, made.test) == (30, None, None)


def test_files_that_were_added_since_change_nothing(root, caplog):
    first = _load(root, validation_fraction=0.3)
    path = _write(root, split_csv.text(first))
    (root / "a" / "0.jpg").write_bytes(b"new")
    again = _load(root, split_file=path)
    assert split_csv.text(again) == split_csv.text(first)
    assert again.fingerprint == first.fingerprint
    assert "1 examples are not in it" in caplog.text


def test_labels_are_not_needed(root):
    made = _load(root, validation_fraction=0.0)
    names = _ids(made.train)
    lines = [f'"{name}",{"validation" if " 1" in name else "train"}' for name in names]
    made = _load(root, split_file=_write(root, "\n".join(["id,split", *lines])))
    assert _ids(made.validation) == [name for name in names if " 1" in name]


_MISTAKES = {
    "no split": ("id,label\na,b\n", "line 1.*'split' is missing"),
    "unknown split": ("id,split\na,train\nb,dev\n", "line 3: .*received 'dev'"),
    "twice": ("id,split\na,train\na,test\n", "line 3: .*'a' as in line 2"),
    "other data": ("id,split\nx/y,train\n", "line 2: .*'x/y'. 1 of its 1 ids"),
    "other label": (
        'id,label,split\n"a/ 0, ü.jpg",b,train\n',
        "line 2: expected the label 'a' .*received 'b'",
    ),
    "a class without": ('id,split\n"a/ 0, ü.jpg",train\n', "there are none of:  b"),
}


@pytest.mark.parametrize("name", _MISTAKES)
def test_a_mistake_is_named(root, name):
    text, message = _MISTAKES[name]
    with pytest.raises(errors.DataError, match=f"--split_file=.*{message}"):
        _load(root, split_file=_write(root, text))


def test_a_file_that_is_missing_or_contradicted_is_a_config_error(root):
    with pytest.raises(errors.ConfigError, match="--split_file=no.csv: .*no file"):
        _load(root, split_file="no.csv")
    settings = config.ImageOptions(
        dataset="tfds:mnist", train_split="train[:9]", split_file="split.csv"
    )
    with pytest.raises(errors.ConfigError, match="--split_file and --train_split"):
        tasks.check_dataset(settings)


def test_a_group_may_not_be_on_two_sides(tmp_path):
    for name in "123":
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "t.csv").write_text("path,label,group\n1,a,g\n2,b,\n3,a,g\n")
    (tmp_path / "s.csv").write_text("id,split\n1,train\n2,train\n3,test\n")
    settings = config.ImageOptions(
        dataset=f"csv:{tmp_path / 't.csv'}", split_file=str(tmp_path / "s.csv")
    )
    with pytest.raises(
        errors.DataError, match="group 'g' in one split.* train and tes"
    ):
        tasks.load_splits(settings)
