"""A guess beside what came out: both are drawn, and told apart by more than colour."""

from __future__ import annotations

import pytest

from core.charts import guess as charts
from core.charts import guess_axes as grids
from core.charts.looks import look

MLP = charts.Column("MLP", (90.0, 92.0), look("orange", 0, 0), 0.001)
CNN = charts.Column("CNN", (94.0, 95.0), look("blue", 0, 0), 0.1)


def test_contestants_are_rows_of_dots_and_the_guessed_one_has_a_star() -> None:
    fig = charts.contestants_figure([MLP, CNN], "Accuracy (%)", "CNN").built()
    assert tuple(fig.layout.yaxis.ticktext) == ("★ CNN", "MLP"), "the first one on top"
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    assert [list(trace.x) for trace in dots] == [[94.0, 95.0], [90.0, 92.0]]
    assert [trace.x[0] for trace in fig.data if trace.mode == "lines"] == [94.5, 91.0]
    fig = charts.contestants_figure(
        [MLP._replace(values=(10.0,)), CNN._replace(values=(20.0,))], "Weights", "", "<b>"
    ).built()
    assert (list(fig.data[0].x), fig.layout.xaxis.rangemode) == ([20.0, 10.0], "tozero")
    assert fig.layout.annotations[0].text == "&lt;b&gt;"


def test_a_number_stands_beside_what_came_out() -> None:
    fig = charts.number_figure(MLP, "Accuracy (%)", 80.0, 91.0, (89.0, 93.0)).built()
    assert tuple(fig.layout.yaxis.ticktext) == ("close: 89 to 93", "came out: 91", "guess: 80")
    assert (fig.layout.shapes[0].x0, fig.layout.shapes[0].x1) == (89.0, 93.0)
    low, high = fig.layout.xaxis.range
    assert low < 80 < 93 < high
    log = charts.number_figure(None, "Ratio (times)", 2.0, 30.0, (15.0, 60.0), log=True).built()
    assert log.layout.xaxis.type == "log"
    assert log.layout.xaxis.range[0] < 0.31


def test_an_order_is_two_columns_joined_by_lines() -> None:
    fig = charts.order_figure(["MLP", "CNN"], ["CNN", "MLP"], [CNN.look, MLP.look]).built()
    assert [(trace.text[0], list(trace.y)) for trace in fig.data] == [
        ("2. CNN\u00a0\u00a0", [1, 2]),
        ("1. MLP\u00a0\u00a0", [2, 1]),
    ]


def test_a_curve_is_dashed_where_it_was_guessed_and_has_holes_where_runs_diverged() -> None:
    fig = charts.curve_figure([MLP, CNN._replace(values=())], [50.0, 60.0], "Learning rate", "Accuracy (%)").built()
    assert (fig.data[0].line.dash, fig.data[1].line.dash) == ("dash", None)
    assert fig.data[1].y[0] == 91.0
    assert fig.data[1].y[1] is None or fig.data[1].y[1] != fig.data[1].y[1]
    assert (fig.layout.xaxis.type, tuple(fig.layout.xaxis.ticktext)) == ("log", ("MLP", "CNN"))
    assert fig.data[1].name == "came out (mean)"
    counted = charts.curve_figure([MLP, CNN], [50.0, 60.0], "Width", "Weights", is_exact=True).built()
    assert counted.data[1].name == "counted", "nothing was trained, so there is no mean"


def test_a_band_is_a_rectangle_beside_the_dots() -> None:
    fig = charts.band_figure(MLP, (85.0, 91.0), "Accuracy (%)").built()
    assert (fig.layout.shapes[0].y0, fig.layout.shapes[0].y1) == (85.0, 91.0)
    assert (list(fig.data[0].x), list(fig.data[0].y)) == ([1, 2], [90.0, 92.0])


@pytest.mark.parametrize("log", [False, True])
def test_on_the_empty_axes_every_point_knows_what_it_stands_for(log: bool) -> None:
    axes = grids.Axes("Accuracy (%)", 10.0, 100.0, 1.0, log)
    heights = axes.heights()
    assert (heights[0], heights[-1]) == pytest.approx((10.0, 100.0), abs=3)
    assert len(heights) <= grids.MAX_GRID_HEIGHTS
    fig = grids.curve_axes([MLP, CNN], axes, "Learning rate", [50.0, None]).built()
    assert [list(point) for point in fig.data[0].customdata[: len(heights)]] == [[0, height] for height in heights]
    assert (list(fig.data[1].x), list(fig.data[1].y)) == ([0.001], [50.0])
    assert fig.layout.dragmode == "select"
    band = grids.band_axes(axes, (20.0, 30.0)).built()
    assert (band.layout.shapes[0].y0, band.layout.shapes[0].y1) == (20.0, 30.0)
    assert {tuple(point) for point in band.data[0].customdata} == {(0, height) for height in heights}
    assert not grids.band_axes(axes).built().layout.shapes
