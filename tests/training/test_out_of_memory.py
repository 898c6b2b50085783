"""Memory that ran out says what fits; a full disk is not taken for full memory."""

import errno
import os

import pytest
import tensorflow as tf

from kft import errors
from kft.config import TrainConfig
from kft.training import out_of_memory, train_step

FULL = tf.errors.ResourceExhaustedError(
    None, None, "OOM when allocating tensor with shape[32,64,112,112]\nand more"
)


def fail_with(error: BaseException, **options) -> str:
    with (
        pytest.raises(errors.KftError) as caught,
        out_of_memory.explaining(TrainConfig(**options)),
    ):
        raise error
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        tf.errors.InternalError(None, None, "Dst tensor is not initialized."),
        tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        MemoryError("Unable to allocate 8 GiB"),
    ],
)
def test_all_kinds_of_full_memory_are_explained(error):
    message = fail_with(error, batch_size=48, accumulation_steps=2)
    assert message.startswith("TrainingError: Memory ran out with --batch_size=48 and")
    # The default of the default backbone, ResNet50.
    assert "--image_size=224" in message
    assert "--batch_size=24 or less" in message
    assert "--accumulation_steps=3 with this --batch_size: the same update" in message
    assert "a smaller --image_size" in message
    assert str(error).split("\n")[0] in message


def test_one_example_at_a_time_can_not_be_fewer():
    message = fail_with(FULL, batch_size=1, image_size=512)
    assert "--image_size=512" in message
    assert "or less" not in message and "--accumulation_steps" not in message


def test_batch_norm_that_trains_sees_parts_of_a_batch():
    assert "BatchNorm, which sees parts" in fail_with(FULL, batch_norm="train")


@pytest.mark.parametrize(
    ("batch_size", "parts", "expected"), [(32, 1, 2), (33, 1, 3), (32, 32, None)]
)
def test_a_batch_is_cut_into_equal_parts(batch_size, parts, expected):
    assert out_of_memory.next_divisor(batch_size, parts) == expected


def test_a_full_disk_is_a_problem_of_the_folder():
    text = f"/runs/a/events.out; {os.strerror(errno.ENOSPC)}"
    message = fail_with(tf.errors.ResourceExhaustedError(None, None, text))
    assert message.startswith("RunDirError: /runs/a/events.out")
    assert "Make room" in message


def test_another_internal_error_stays_what_it_is():
    with (
        pytest.raises(tf.errors.InternalError),
        out_of_memory.explaining(TrainConfig()),
    ):
        raise tf.errors.InternalError(None, None, "a bug")


def test_a_step_that_finds_no_memory_ends_the_run_with_advice(tiny_run, monkeypatch):
    def train(self, batches, num_steps):
        raise FULL

    monkeypatch.setattr(train_step.StageStep, "train", train)
    with pytest.raises(errors.TrainingError, match="--batch_size=16 and --image_size"):
        tiny_run("run")
