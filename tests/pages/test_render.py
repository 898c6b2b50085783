"""Numbers as pages show them; no TensorFlow here."""

from kft.pages import render


def test_numbers_are_written_for_people() -> None:
    assert render.points(-0.0123) == "−1.2"
    assert render.points(0.0001) == render.points(-0.0001) == "0.0"
    assert [render.percent(v) for v in (0.9876, None)] == ["98.8%", "–"]
    assert render.count(1234567) == "1,234,567"
    seconds = (1.25, 59.94, 75, 3725, 90061)
    assert [render.duration(s) for s in seconds] == [
        "1.2 s",
        "59.9 s",
        "1 min 15 s",
        "1 h 2 min",
        "25 h 1 min",
    ]
