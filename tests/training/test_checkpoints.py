"""A checkpoint is whole or absent, and fits or is refused."""

import os

import numpy as np
import pytest

from kft import errors
from kft.run_folder.history import EpochRecord
from kft.run_folder.run_dir import RunDir
from kft.training import checkpoints
from kft.training.checkpoints import Snapshot
from kft.training.run_state import Best, RunState


@pytest.fixture
def run(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return RunDir(tmp_path)


RECORD = EpochRecord(
    stage="head",
    epoch=1,
    epochs=2,
    step=3,
    train={"loss": 1.0},
    validation={},
    learning_rate=0.1,
    seconds=1.0,
    examples_per_second=2.0,
    input_wait_fraction=None,
)


def snapshot(step: int, *, stage: int = 0) -> Snapshot:
    best = Best(stage=0, epoch=1, validation={"accuracy": 0.5, "loss": 0.1})
    state = RunState(stage=stage, global_step=step, best=best, history=(RECORD,))
    return Snapshot(state, {"model/kernel": np.full((2, 3), step, np.float32)})


def save(run, step, *, stage=0):
    checkpoints.save_frozen(run, stage, {"model/stem": np.arange(4.0)})
    return checkpoints.save(run, snapshot(step, stage=stage), versions={"kft": "1"})


def load(run):
    warnings = []
    return checkpoints.load_last(run, warn=warnings.append), warnings


def test_what_was_saved_comes_back(run):
    save(run, 5)
    found, warnings = load(run)
    assert found.state == snapshot(5).state
    assert not warnings
    np.testing.assert_array_equal(found.arrays["model/kernel"], np.full((2, 3), 5))
    np.testing.assert_array_equal(found.arrays["model/stem"], np.arange(4.0))


def test_nothing_saved_is_no_error(run):
    assert load(run) == (None, [])
    assert not checkpoints.exists(run)


def test_the_last_two_are_kept(run):
    for step in (1, 2, 3):
        save(run, step)
    names = sorted(p.name for p in run.checkpoints.iterdir())
    assert names == ["frozen-000.npz", "state-000000002.npz", "state-000000003.npz"]


def test_frozen_files_stay_while_a_kept_checkpoint_needs_them(run):
    save(run, 1, stage=0)
    save(run, 2, stage=1)
    assert (run.checkpoints / "frozen-000.npz").exists()
    save(run, 3, stage=1)
    assert not (run.checkpoints / "frozen-000.npz").exists()
    assert load(run)[0].state.global_step == 3


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_damaged_file_gives_way_to_the_one_before(run, keep):
    save(run, 1)
    path = save(run, 2)
    path.write_bytes(path.read_bytes()[:keep])
    found, warnings = load(run)
    assert found.state.global_step == 1
    assert "state-000000002.npz is damaged" in warnings[0]


def test_a_pipe_in_place_of_a_file_gives_way_to_the_one_before(run):
    save(run, 1)
    path = save(run, 2)
    path.unlink()
    os.mkfifo(path)
    found, warnings = load(run)
    assert found.state.global_step == 1
    assert "state-000000002.npz is damaged" in warnings[0]
    assert save(run, 3).is_file()


def test_a_flipped_byte_is_found(run):
    save(run, 1)
    path = save(run, 2)
    content = bytearray(path.read_bytes())
    content[content.index(np.float32(2.0).tobytes())] ^= 1
    path.write_bytes(content)
    assert load(run)[0].state.global_step == 1


def test_no_whole_file_is_an_error_that_says_how_to_go_on(run):
    path = save(run, 1)
    path.write_bytes(b"garbage")
    with pytest.raises(errors.RunDirError, match="no other checkpoint: choose a new"):
        load(run)


class Variable:
    def __init__(self, shape):
        self.shape, self.value = shape, None

    def assign(self, value):
        self.value = value


def test_missing_and_extra_variables_are_errors_and_nothing_is_assigned():
    arrays = {"model/kernel": np.zeros((2, 3)), "model/old": np.zeros(1)}
    variables = {"kernel": Variable((2, 3)), "new": Variable((1,))}
    with pytest.raises(errors.RunDirError) as caught:
        checkpoints.assign(variables, arrays, prefix="model/")
    assert "+ old: only in the checkpoint" in str(caught.value)
    assert "- new: only in the model" in str(caught.value)
    assert variables["kernel"].value is None


def test_another_shape_is_an_error():
    with pytest.raises(errors.RunDirError, match=r"kernel: \(2, 3\) in the checkpoint"):
        checkpoints.assign(
            {"kernel": Variable((3, 2))},
            {"model/kernel": np.zeros((2, 3))},
            prefix="model/",
        )
