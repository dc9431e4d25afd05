"""The guesses of a class: every one is drawn, and nothing of what came out before it may be seen."""

from __future__ import annotations

import pytest

from core.charts import class_guesses as charts
from core.charts.guess import Column
from core.charts.guess_axes import Axes
from core.charts.looks import look

MLP = Column("MLP", (90.0, 92.0), look("orange", 0, 0), 0.001)
CNN = Column("CNN", (94.0, 95.0), look("blue", 0, 0), 0.1)
PERCENT = Axes("Accuracy (%)", 0.0, 100.0, 1.0)


def test_each_option_has_a_dot_for_each_guess_and_a_star_only_where_it_came_out() -> None:
    (dots,) = charts.choices_figure(["A", "<b>"], [3, 1]).built().data
    assert list(zip(dots.x, dots.y, strict=True)) == [(1, 0), (1, 1), (2, 1), (3, 1)], "the first option on top"
    shown = charts.choices_figure(["A", "<b>"], [3, 1], "A").built()
    assert tuple(shown.layout.yaxis.ticktext) == ("&lt;b&gt;", "★ A")
    assert (list(shown.data[1].x), list(shown.data[1].y)) == ([4], [1]), "behind the guesses for it"
    (few,) = charts.choices_figure(["A"], [12]).built().data
    (many,) = charts.choices_figure(["A"], [30]).built().data
    assert many.marker.size < few.marker.size, "thirty fit side by side on a telephone"


@pytest.mark.parametrize("axes", [PERCENT, Axes("Weights", 1.0, 1_000_000.0, 1.0, log=True)])
def test_equal_numbers_stand_above_each_other(axes: Axes) -> None:
    fig = charts.numbers_figure([20.0, 80.0, 20.0, 20.0], axes).built()
    assert [list(trace.y) for trace in fig.data] == [[1, 1, 2, 3]]
    assert not fig.layout.shapes
    shown = charts.numbers_figure([20.0], axes, MLP, 91.0, (89.0, 93.0)).built()
    assert [shape.x0 for shape in shown.layout.shapes] == [91.0, 89.0]
    assert list(shown.data[1].x) == [91.0]


def test_an_order_is_a_disc_for_each_place_that_somebody_guessed() -> None:
    fig = charts.orders_figure(["A", "B"], [[3, 1], [1, 3]]).built()
    (discs,) = fig.data
    assert sorted(zip(discs.x, discs.y, discs.text, strict=True)) == [
        (1, 1, "1"),
        (1, 2, "3"),
        (2, 1, "3"),
        (2, 2, "1"),
    ]
    sizes = dict(zip(discs.text, discs.marker.size, strict=True))
    assert sizes["3"] > sizes["1"]
    squares = charts.orders_figure(["A", "B"], [[3, 1], [1, 3]], ["B", "A"]).built().data[1]
    assert (list(squares.x), list(squares.y)) == ([2, 1], [2, 1])


def test_curves_and_bands_are_all_drawn_and_what_came_out_only_when_it_is_shown() -> None:
    guesses = [(10.0, 20.0), (30.0, 40.0), (50.0, 60.0)]
    fig = charts.curves_figure(guesses, [MLP, CNN], PERCENT, "Rate").built()
    assert [tuple(trace.y) for trace in fig.data] == guesses
    shown = charts.curves_figure(guesses, [MLP, CNN], PERCENT, "Rate", is_shown=True).built()
    assert list(shown.data[3].y) == [91.0, 94.5]
    bands = charts.class_bands_figure(guesses, PERCENT, MLP).built()
    assert [value for value in bands.data[0].y if value is not None][::5] == [10.0, 30.0, 50.0]
    assert len(bands.data) == 1
    assert not bands.layout.shapes
    shown = charts.class_bands_figure(guesses, PERCENT, MLP, is_shown=True).built()
    assert [shape.y0 for shape in shown.layout.shapes] == [90.0, 92.0]
    assert list(shown.data[1].y) == [90.0, 92.0]
