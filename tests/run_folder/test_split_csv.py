"""split.csv is a whole table, or an error that names it."""

from pathlib import Path

import pytest

from kft import errors
from kft.run_folder import split_csv
from kft.run_folder.run_dir import RunDir

HEAD = "id,label,split\n"


def test_rows_come_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(f'{HEAD}a,x,train\n"b ""1"", c",y,test\n')
    rows = split_csv.read(RunDir(tmp_path))
    assert rows == (("a", "x", "train"), ('b "1", c', "y", "test"))


@pytest.mark.parametrize(
    "content",
    [
        *("", HEAD, "id,split\na,train\n", f"{HEAD}a,x\n", f"{HEAD}a,x,nowhere\n"),
        *(f"{HEAD}a,x,train\na,x,train\n", f'{HEAD}"a,x,train\n', f"{HEAD}a,x,tr"),
        *(f"{HEAD}\0,x,train,\n", f"{HEAD}\xe9,x,train\n"),
    ],
    ids=range(10),
)
def test_a_damaged_table_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "split.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(errors.RunDirError, match=r"split\.csv cannot be read.*--data"):
        split_csv.read(RunDir(tmp_path))
