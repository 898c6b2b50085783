"""Files of records: how many are open at a time."""

import os
from pathlib import Path

from kft.data.sources import record_reader


def test_a_file_that_is_read_stays_open_however_many_others_are_read(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / str(number) for number in range(100)]
    for number, path in enumerate(paths):
        path.write_text(f"content {number}")
    files = record_reader._Files(list(map(str, paths)))
    before = len(os.listdir("/dev/fd"))
    with files._held(0) as descriptor:
        for number in range(1, 100):
            content = files.read(number, offset=8, length=len(str(number)))
            assert content.decode() == str(number)
        assert os.pread(descriptor, 9, 0) == b"content 0"
    assert len(os.listdir("/dev/fd")) - before == record_reader._MOST_OPEN
    del files
    assert len(os.listdir("/dev/fd")) == before
