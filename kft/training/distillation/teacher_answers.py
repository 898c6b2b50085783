"""What a teacher says of the training examples, and a file that keeps it."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class TeacherAnswers:
    """The logits of a teacher for the training examples of a run.

    Attributes:
        logits: float32 [n, classes], in the order of the examples and of the classes of
            the run.
        figures: of the teacher on the training examples, by the names of the task, and
            on those of validation, with `val_` before them.
    """

    logits: np.ndarray
    figures: Mapping[str, float]


def pack(answers: TeacherAnswers, key: str) -> bytes:
    """Return the content of a file with these answers.

    Args:
        answers: to keep.
        key: a digest of what they are answers to, and of who gave them.
    """
    facts = json.dumps({"key": key, "figures": dict(answers.figures)})
    file = io.BytesIO()
    np.savez(file, logits=answers.logits, facts=np.array(facts))
    return file.getvalue()


def unpack(content: bytes, key: str) -> TeacherAnswers | None:
    """Return the answers that `pack` wrote, None where they are others, or damaged.

    Args:
        content: of the file.
        key: the digest of what is asked for.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            logits, facts = arrays["logits"], json.loads(str(arrays["facts"]))
        if facts["key"] != key:
            return None
        return TeacherAnswers(logits, _figures(facts["figures"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _figures(found: Any) -> Mapping[str, float]:
    return {str(name): float(value) for name, value in found.items()}
