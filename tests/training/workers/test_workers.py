"""Processes that train together over loopback compute what one process computes."""

import numpy as np
import pytest

pytestmark = pytest.mark.integration

SUMS = {"accumulation_steps": 2, "clip_norm": 0.5, "ema_decay": 0.9}
# 12 can be shared out to two and to three workers.
BASE = {"batch_size": 12}
DROPOUT = 0.3


def job(name: str, changes: dict | None = None, **more) -> dict:
    return {"name": name, "changes": {**BASE, **(changes or {})}, **more}


@pytest.fixture(scope="module")
def alone(drive):
    single = {"strategy": "single"}
    return drive(
        [
            job("plain", single),
            job("sums", {**single, **SUMS}),
            job("taught", single, teacher_of="plain"),
        ]
    )


def only(worker: int, chosen: int, **more) -> dict:
    return more if worker == chosen else {}


@pytest.fixture(scope="module")
def two(drive, alone):
    teacher = {"teacher": str(alone.folder / "plain")}

    def jobs(worker: int) -> list[dict]:
        return [
            # The first, for TensorFlow takes SIGTERM when it starts.
            job("stopped", dropout=DROPOUT, **only(worker, 1, stop_at=8)),
            job("plain", seconds_per_call=0.05),
            job("sums", SUMS),
            job("taught", teacher),
            job("norm", {"batch_norm": "train"}),
            job("whole", dropout=DROPOUT),
            job("resumed", dropout=DROPOUT, run_of="stopped"),
            job("data", **only(worker, 1, fingerprint="other")),
            job("flags", only(worker, 1, momentum=0.5)),
            job("unread", **only(worker, 1, bad_data="a.jpg is cut off")),
            job("again", run_of="plain"),
            job("fewer", **only(worker, 0, stop_at=12)),
            # The last, for no process trains on from here.
            job("frozen", **only(worker, 1, freeze_at=4)),
        ]

    return drive(jobs, workers=2, frozen=1)


def assert_same(a: dict, b: dict, *, atol: float = 0.0) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("kind", ["plain", "sums", "taught"])
def test_two_workers_equal_one_process(alone, two, kind):
    one = alone.figures(kind)
    for worker in (0, 1):
        figures = two.figures(kind, worker)
        for name in ("val_loss", "val_accuracy", "test_loss", "test_accuracy"):
            assert figures[name] == pytest.approx(one[name], abs=1e-5)
        assert_same(alone.arrays(kind), two.arrays(kind, worker), atol=1e-5)


def test_the_loss_of_each_step_is_that_of_one_process(alone, two):
    for worker in (0, 1):
        steps = two.figures("sums", worker)["steps"]
        np.testing.assert_allclose(
            alone.figures("sums")["steps"], steps, rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("kind", ["plain", "sums", "norm", "whole"])
def test_weights_and_predictions_are_identical_on_all_workers(two, kind):
    assert_same(two.arrays(kind, 0), two.arrays(kind, 1))
    assert len(two.arrays(kind)["logits"])
    results = [two.figures(kind, worker)["result"] for worker in (0, 1)]
    assert results[0] == results[1]


def test_only_the_chief_has_the_run_folder(two):
    chief, other = two.figures("whole", 0), two.figures("whole", 1)
    assert chief["folder"] == chief["result"]["run_dir"]
    assert other["folder"] != chief["folder"]
    assert not other["scratch"]


def test_a_signal_to_one_worker_stops_all_at_the_same_step(two):
    ends = [two.figures("stopped", worker) for worker in (0, 1)]
    assert [end["error"][0] for end in ends] == ["Interrupted"] * 2
    assert "SIGTERM" in ends[0]["error"][1]
    assert [len(end["steps"]) for end in ends] == [9, 9]


def test_all_go_on_from_where_the_chief_saved(two):
    for worker in (0, 1):
        assert_same(two.arrays("whole", worker), two.arrays("resumed", worker))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("data", "the fingerprint of the data (here tiny)"),
        ("flags", "--momentum (here 0.9)"),
    ],
)
def test_workers_that_differ_do_not_begin(two, kind, says):
    for worker in (0, 1):
        name, message = two.figures(kind, worker)["error"]
        assert name == "ConfigError"
        assert message.startswith("Worker 1 and worker 0 differ in ")
        if worker == 0:
            assert says in message


def test_the_failure_of_one_worker_ends_the_others_in_order(two):
    assert two.figures("unread", 1)["error"] == ["DataError", "a.jpg is cut off"]
    name, message = two.figures("unread", 0)["error"]
    assert name == "TrainingError"
    assert message.startswith("worker 1 failed to load the data")


def test_a_finished_run_is_known_to_all(two):
    for worker in (0, 1):
        again = two.figures("again", worker)
        assert again["steps"] == []
        assert again["result"] == two.figures("plain", 0)["result"]


def test_another_number_of_workers_goes_on_with_a_run(two, drive):
    assert two.figures("fewer", 1)["error"][0] == "Interrupted"
    begun = len(two.figures("fewer")["steps"])
    alone = drive([job("fewer")], folder=two.folder)
    figures = alone.figures("fewer")
    assert "error" not in figures
    assert begun + len(figures["steps"]) == 30
    assert_same(two.arrays("plain"), alone.arrays("fewer"), atol=1e-5)


@pytest.fixture(scope="module")
def three(drive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")

    def first(worker: int) -> list[dict]:
        return [
            job("whole", dropout=DROPOUT),
            job("killed", dropout=DROPOUT, **only(worker, 1, kill_at=14)),
        ]

    lost = drive(first, workers=3, folder=folder)
    errors = [lost.figures("killed", worker) for worker in (0, 2)]
    again = drive([job("killed", dropout=DROPOUT)], workers=3, folder=folder)
    return lost, errors, again


def test_a_killed_worker_is_named_by_the_others_within_seconds(three):
    lost, ends, _ = three
    assert lost.codes == [0, -9, 0]
    for end in ends:
        name, message = end["error"]
        assert name == "WorkerLostError"
        assert "worker 1 (127.0.0.1:" in message
        assert end["seconds_to_error"] < 30


def test_all_restarted_workers_go_on_bit_by_bit(three):
    lost, _, again = three
    assert again.codes == [0, 0, 0]
    for worker in range(3):
        assert_same(lost.arrays("whole", worker), again.arrays("killed", worker))


def test_a_frozen_worker_is_named_after_missing_heartbeats(two):
    assert_names_the_frozen(two, frozen=1)


def test_a_frozen_chief_is_named_after_missing_heartbeats(drive):
    def jobs(worker: int) -> list[dict]:
        return [job("frozen", **only(worker, 0, freeze_at=4))]

    assert_names_the_frozen(drive(jobs, workers=2, frozen=0), frozen=0)


def assert_names_the_frozen(team, *, frozen: int) -> None:
    other = 1 - frozen
    end = team.figures("frozen", other)
    assert end["error"][0] == "WorkerLostError"
    assert f"worker {frozen} (127.0.0.1:" in end["error"][1]
    assert end["seconds_to_error"] < 60
    assert team.codes[other] is not None
