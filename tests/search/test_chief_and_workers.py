"""One chief and two workers, each a process, share the trials of a search."""

import json
from pathlib import Path

import pytest

from tests.training.workers.conftest import finish, free_ports, start


@pytest.mark.integration
def test_a_chief_and_two_workers_run_each_trial_once(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "search"
    names = ("chief", "worker0", "worker1")
    processes = [
        start(
            ["-m", "tests.search.drive", str(folder)],
            {"KERASTUNER_TUNER_ID": name, "KERASTUNER_ORACLE_PORT": str(port)},
            tmp_path / f"{name}.txt",
        )
        for name in names
    ]
    codes = finish(processes, 240)
    outputs = {name: (tmp_path / f"{name}.txt").read_text() for name in names}
    assert codes == [0, 0, 0], outputs
    ran = [line.split() for line in (tmp_path / "ran.txt").read_text().splitlines()]
    # Each trial once, none by the chief.
    assert sorted(Path(path).name for _, path in ran) == [
        "0000",
        "0001",
        "0002",
        "0003",
    ]
    assert {name for name, _ in ran} <= {"worker0", "worker1"}
    records = [json.loads(path.read_text()) for path in folder.glob("trials/*.json")]
    best = max(record["val_accuracy"] for record in records)
    assert len({record["values"]["learning_rate"] for record in records}) == 4
    assert outputs["chief"].splitlines()[-1] == f"best {best}"
    assert outputs["worker0"].splitlines()[-1] == "worker done"
    assert (folder / "best.cfg").is_file()
