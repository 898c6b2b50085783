import pytest

from kft.reporting import charts
from kft.reporting.charts import Series


def _chart(ys: list[float | None], **options) -> charts.LineChart:
    xs = range(1, len(ys) + 1)
    return charts.line_chart("Loss", [Series("training", xs, ys)], **options)


def test_the_lowest_value_is_at_the_bottom_and_the_highest_at_the_top() -> None:
    (line,) = _chart([1.0, 3.0, 2.0]).lines
    ys = [dot.y for dot in line.dots]
    assert (ys[0], ys[1], ys[2]) == (charts.BOTTOM, 36, (charts.BOTTOM + 36) / 2)
    assert [dot.x for dot in line.dots] == [charts.LEFT, 198, charts.RIGHT]


def test_ticks_are_round_and_lie_where_their_values_do() -> None:
    chart = _chart([0.13, 0.97])
    assert [tick.text for tick in chart.y_ticks] == ["0.2", "0.4", "0.6", "0.8"]
    axis = charts.Axis(0.13, 0.97, charts.BOTTOM, 36)
    assert [tick.at for tick in chart.y_ticks] == [
        axis.place(value) for value in (0.2, 0.4, 0.6, 0.8)
    ]


def test_places_are_those_of_the_axis_that_is_named() -> None:
    assert _chart([2.0, 3.0]).lines[0].dots[1].text == "training, epoch 2: 3"
    chart = _chart([2.0, 3.0], x_name="length")
    assert (chart.x_name, chart.lines[0].dots[1].text) == (
        "length",
        "training, length 2: 3",
    )


def test_what_has_to_be_seen_widens_the_axis() -> None:
    assert _chart([2.0, 3.0], low=0.0).y_ticks[0].text == "0"


def test_values_of_very_different_size_get_a_log_scale() -> None:
    chart = _chart([100.0, 1000.0, 100_000.0])
    assert [tick.text for tick in chart.y_ticks] == ["100", "1k", "10k", "100k"]
    gaps = [a.at - b.at for a, b in zip(chart.y_ticks, chart.y_ticks[1:], strict=False)]
    assert gaps == pytest.approx([gaps[0]] * 3, abs=0.11)
    assert "1k" not in [tick.text for tick in _chart([0.0, 100_000.0]).y_ticks]


def test_epochs_without_a_value_are_left_out() -> None:
    (line,) = _chart([1.0, None, 2.0]).lines
    assert len(line.dots) == 2
    assert charts.line_chart("Loss", [Series("a", [1], [None])]) is None
    assert charts.line_chart("Loss", []) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_epoch_that_has_diverged_is_left_out_too(value: float) -> None:
    (line,) = _chart([1.0, value, 2.0]).lines
    assert len(line.dots) == 2
    assert charts.line_chart("Loss", [Series("a", [1], [value])]) is None


def test_a_single_epoch_is_drawn_in_the_middle() -> None:
    (line,) = _chart([0.5]).lines
    assert (line.dots[0].x, line.dots[0].y) == (198, (charts.BOTTOM + 36) / 2)


def test_stages_meet_between_their_epochs() -> None:
    chart = _chart([4.0, 3.0, 2.0, 1.0], spans=[("head", 1, 2), ("all", 3, 4)])
    head, rest = chart.spans
    x = [dot.x for dot in chart.lines[0].dots]
    assert head.end == rest.start == pytest.approx((x[1] + x[2]) / 2, abs=0.1)
    assert (head.start, rest.end) == (charts.LEFT, charts.RIGHT)
    assert head.fits


def test_a_name_that_is_wider_than_its_stage_is_not_written() -> None:
    long = "a_block_with_a_name_that_is_very_long_indeed"
    chart = _chart([1.0, 2.0, 3.0], spans=[(long, 1, 1), ("all", 2, 3)])
    assert [span.fits for span in chart.spans] == [False, True]
