"""Charts of what networks still read: a run is a line with its interval, a place of a digit a cell, a corruption a bar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.metrics import wilson
from core.charts.confusion import INK
from core.charts.looks import look
from core.charts.robustness import (
    corruption_bars,
    describe_corruptions,
    describe_shift_map,
    describe_strengths,
    shift_map,
    strength_curves,
)
from core.charts.theme import WRONG
from tests.charts.eyes import contrast
from tests.charts.reading import figures

LOOKS = [look("blue", 0, 0), look("orange", 1, 0)]
SHIFTS = (-2, -1, 0, 1, 2)


def table(column: str, places: list[float] | list[str], right: list[list[int]], n: int = 1_000) -> pd.DataFrame:
    """A row per run and place. right: a list per run"""
    rows = []
    for number, (name, counts) in enumerate(zip(("MLP", "CNN"), right, strict=False)):
        for place, k in zip(places, counts, strict=True):
            low, high = wilson(k, n)
            rows.append({"name": name, "look": LOOKS[number], "number": number, column: place, "accuracy": k / n, "low": low,
                         "high": high, "n": n})  # fmt: skip
    return pd.DataFrame(rows)


def test_each_run_is_a_line_through_its_points_with_a_band_around_it() -> None:
    frame = table("strength", [2.0, 0.0, 1.0], [[354, 970, 800], [655, 990, 950]])
    fig = strength_curves(frame, "Shift (pixels)", [np.full((28, 28), i, np.uint8) for i in range(3)], [0, 1, 2])
    assert (fig.layout.xaxis.title.text, fig.layout.yaxis.title.text) == ("Shift (pixels)", "Test accuracy (%)")
    bands, lines = fig.data[::2], fig.data[1::2]
    for line, band, name, heights in zip(lines, bands, ("MLP", "CNN"), ([97, 80, 35.4], [99, 95, 65.5]), strict=True):
        assert line.name == name
        np.testing.assert_allclose(line.x, [0, 1, 2])
        np.testing.assert_allclose(line.y, heights)
        low, high = np.array(band.y[:3]), np.array(band.y[3:][::-1])
        np.testing.assert_allclose(low[2], 100 * wilson(round(10 * heights[2]), 1_000)[0])
        assert (low < line.y).all()
        assert (line.y < high).all()
    assert [picture.x for picture in fig.layout.images] == [0, 1, 2]
    assert all(picture.y + picture.sizey < fig.layout.yaxis.domain[0] for picture in fig.layout.images), (
        "below the lines"
    )
    assert figures(describe_strengths(frame, "Shift", "pixels"), "MLP", "CNN") == [
        "1,000", "CNN", "99.00 %", "65.50 %", "2", "MLP", "97.00 %", "35.40 %", "2",
    ]  # fmt: skip


def test_before_anything_is_measured_only_the_first_point_stands_there() -> None:
    frame = table("strength", [0.0], [[970]])
    fig = strength_curves(frame, "Shift (pixels)", [np.zeros((28, 28), np.uint8)] * 3, [0, 2, 4])
    assert [trace.name for trace in fig.data] == ["MLP"]
    assert fig.layout.xaxis.range == (-1, 5)
    assert figures(describe_strengths(frame, "Shift", "pixels"), "MLP") == ["1,000", "MLP", "97.00 %"]
    distorted = frame.assign(strength=0.5)
    assert figures(describe_strengths(distorted, "Size", neutral=1), "MLP") == ["1,000", "MLP", "97.00 %", "0.5"]
    assert "nothing has been measured" in describe_strengths(frame[:0], "Shift")
    assert not strength_curves(frame[:0], "Shift (pixels)").data


def test_a_corruption_has_a_bar_for_each_run_with_its_interval() -> None:
    frame = table("title", ["Fog", "Stripe"], [[500, 900], [700, 800]])
    fig = corruption_bars(frame)
    assert [bars.name for bars in fig.data] == ["MLP", "CNN"]
    assert list(fig.data[0].y) == ["Fog", "Stripe"]
    assert (fig.layout.yaxis.categoryarray, fig.layout.yaxis.autorange) == (("Fog", "Stripe"), "reversed"), (
        "the first on top"
    )
    low, high = wilson(500, 1_000)
    assert fig.data[0].x[0] - fig.data[0].error_x.arrayminus[0] == pytest.approx(100 * low)
    assert fig.data[0].x[0] + fig.data[0].error_x.array[0] == pytest.approx(100 * high)
    assert fig.data[0].marker.pattern.shape != fig.data[1].marker.pattern.shape, "told apart without colour"
    assert figures(describe_corruptions(frame), "CNN", "MLP") == [
        "1,000", "CNN", "75.00 %", "70.00 %", "MLP", "70.00 %", "50.00 %",
    ]  # fmt: skip
    assert "nothing" in describe_corruptions(frame[:0])
    assert not corruption_bars(frame[:0]).data


def test_the_map_says_what_is_read_at_each_place_and_what_is_wrong_by_shape() -> None:
    answers = np.full((5, 5), 7)
    answers[4, 3] = 1  # moved 2 down and 1 right
    fig = shift_map(answers, SHIFTS, 7)
    right, wrong = fig.data
    assert (list(wrong.x), list(wrong.y), list(wrong.text)) == ([1], [2], ["1"])
    assert len(right.x) == 24
    assert right.marker.symbol != wrong.marker.symbol
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1], "down is down"
    assert contrast(wrong.textfont.color, WRONG) > 4.5
    assert contrast(right.textfont.color, "#ffffff") > 4.5
    assert shift_map(answers, SHIFTS, 7, dark=True).data[0].textfont.color == INK[True]
    assert figures(describe_shift_map(answers, SHIFTS, 7)) == ["7", "24", "25", "1"]
    assert "not even one pixel" in describe_shift_map(np.where(np.eye(5), 7, 3), SHIFTS, 7)


def test_a_digit_that_nobody_labelled_is_measured_by_what_is_read_in_the_middle() -> None:
    answers = np.full((5, 5), 3)
    answers[0] = 8
    assert len(shift_map(answers, SHIFTS, None).data[1].x) == 5
    assert figures(describe_shift_map(answers, SHIFTS, None)) == ["3", "20", "25", "1"]
    assert "not where it stands" in describe_shift_map(answers, SHIFTS, 8)
