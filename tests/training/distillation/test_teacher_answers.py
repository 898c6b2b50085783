import numpy as np
import pytest

from kft.training.distillation import teacher_answers
from kft.training.distillation.teacher_answers import TeacherAnswers

ANSWERS = TeacherAnswers(
    np.arange(6, dtype=np.float32).reshape(2, 3), {"accuracy": 0.5, "val_accuracy": 1.0}
)


def test_answers_come_back_as_they_were_packed():
    found = teacher_answers.unpack(teacher_answers.pack(ANSWERS, "key"), "key")
    assert found is not None
    np.testing.assert_array_equal(found.logits, ANSWERS.logits)
    assert found.logits.dtype == np.float32
    assert found.figures == ANSWERS.figures


def test_answers_to_something_else_do_not_count():
    content = teacher_answers.pack(ANSWERS, "key")
    assert teacher_answers.unpack(content, "another key") is None


@pytest.mark.parametrize("damage", [b"", b"PK", slice(0, 200), slice(0, -8)])
def test_damaged_answers_do_not_count(damage):
    content = teacher_answers.pack(ANSWERS, "key")
    damaged = content[damage] if isinstance(damage, slice) else damage
    assert teacher_answers.unpack(damaged, "key") is None
