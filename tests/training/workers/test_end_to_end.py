"""Two workers, started as a user starts them, leave one finished run."""

import json

import pytest

from tests.training.workers import conftest

pytestmark = pytest.mark.integration


def test_two_workers_that_meet_train_one_run_and_the_chief_exports_it(
    tmp_path, solid_colours
):
    images = solid_colours(per_class=20, size=40)
    port = conftest.free_ports(2)[0]
    flags = [
        *("-m", "kft.train", f"--dataset=folder:{images}"),
        *("--backbone=EfficientNetLite0", "--weights=none", "--image_size=32"),
        *("--stages=head:1,top1:1", "--batch_size=8"),
        *(f"--coordinator=127.0.0.1:{port}", "--num_workers=2"),
    ]
    outputs = [tmp_path / f"{worker}.txt" for worker in range(2)]
    processes = []
    for worker, output in enumerate(outputs):
        # Each has its own idea of where the run folder is: only the chief's counts.
        own = [f"--worker_index={worker}", f"--run_dir={tmp_path / f'run-{worker}'}"]
        processes.append(conftest.start([*flags, *own], {}, output))
    codes = conftest.finish(processes, conftest.TIMEOUT)
    said = [path.read_text() for path in outputs]
    assert codes == [0, 0], said
    run = tmp_path / "run-0"
    result = json.loads((run / "result.json").read_text())
    assert result["status"] == "finished"
    assert (run / "export" / "saved_model").is_dir()
    environment = json.loads((run / "environment.json").read_text())
    assert environment["workers"] == environment["replicas"] == 2
    assert "python -m kft.predict" in said[0]
    assert "Next:" not in said[1]
    assert not (tmp_path / "run-1").exists()
