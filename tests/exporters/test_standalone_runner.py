"""The program that runs an export as a stranger would."""

import numpy as np

from kft.exporters import standalone_runner


def test_a_slow_export_is_timed_often_enough_for_a_percentile() -> None:
    asked = []

    def ask(questions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        asked.append(int(questions["x"][0]))
        return {}

    questions = {"x": np.arange(3)}
    found = standalone_runner._latencies(ask, questions, count=3, seconds=0.0)
    assert len(found) == 10
    # Once to warm up; then all questions in turn.
    assert asked == [0, *(number % 3 for number in range(10))]
