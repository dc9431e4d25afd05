"""Reliability, its counts, and coverage: what stands where, and what the sentences say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.calibration import Answers, bin_edges, coverage_curve, reliability
from core.charts.calibration import (
    Coverage,
    Reliability,
    bin_counts,
    coverage_curves,
    describe_counts,
    describe_coverage,
    describe_reliability,
    reliability_curve,
)
from core.charts.looks import look
from tests.charts.reading import figures

# Ten images sure by 0.7, of which five are right, and a hundred sure by 0.99, all right.
ANSWERS = Answers(np.repeat([0.7, 0.99], [10, 100]), np.repeat([True, False, True], [5, 5, 100]))
BINS = reliability(ANSWERS, bin_edges(ANSWERS.confidence))
NONE = reliability(Answers(np.empty(0), np.empty(0, bool)), bin_edges(np.ones(1)))
RUN = Reliability("MLP <b>", look("blue", 0, 0), BINS)


def test_each_bin_with_images_stands_at_its_mean_confidence_with_its_interval() -> None:
    diagonal, line = reliability_curve([RUN]).data
    assert (list(diagonal.x), list(diagonal.y)) == ([20, 100], [20, 100])
    np.testing.assert_allclose(line.x, [70, 99])
    np.testing.assert_allclose(line.y, [50, 100])
    low, high = BINS.loc[BINS["n"] == 10, ["wilson_low", "wilson_high"]].to_numpy()[0]
    assert line.y[0] - line.error_y.arrayminus[0] == pytest.approx(100 * low)
    assert line.y[0] + line.error_y.array[0] == pytest.approx(100 * high)
    assert line.marker.size[1] > line.marker.size[0], "the more images, the larger"
    assert (line.marker.color, line.marker.symbol) == look("blue", 0, 0)[:2]
    assert "<b>" not in line.name


def test_counts_are_bars_in_the_middle_of_their_bins_on_a_log_axis_that_shows_a_single_image() -> None:
    fig = bin_counts([RUN, RUN._replace(name="B")])
    assert [bars.y.tolist() for bars in fig.data] == [[10, 100]] * 2
    np.testing.assert_allclose(fig.data[0].x, [70, 100 * 14.5 / 15])
    assert fig.layout.yaxis.type == "log"
    assert fig.layout.yaxis.range[0] < 0


def test_coverage_is_marked_where_the_threshold_leads() -> None:
    run = Coverage("MLP", look("blue", 0, 0), coverage_curve(ANSWERS), 100 / 110, 1.0)
    line, mark, key = coverage_curves([run]).data
    assert line.y[-1] == pytest.approx(100 * 105 / 110)
    assert (mark.x[0], mark.y[0]) == (pytest.approx(100 * 10 / 110), 100), "the axis counts what is held back"
    assert line.x[-1] == pytest.approx(50 / 110), "nothing held back counts as half an image"
    assert key.x == (None,)
    silent = coverage_curves([run._replace(coverage=0.0, accuracy=np.nan)])
    assert len(silent.data) == 2, "no mark where nothing is answered"
    low, high = silent.layout.yaxis.range
    assert low < 100 * 105 / 110 < 100 < high


def test_the_sentences_hold_the_figures() -> None:
    sure = (10 * 0.7 + 100 * 0.99) / 110
    assert figures(describe_reliability([RUN]), "MLP") == ["MLP", f"{100 * sure:.2f} %", "95.45 %", "110"]
    assert figures(describe_counts([RUN]), "MLP") == ["93.3 %", "MLP", "90.91 %", "110"]
    run = Coverage("MLP", look("blue", 0, 0), coverage_curve(ANSWERS), 1.0, 1.0)
    assert figures(describe_coverage([run]), "MLP") == ["MLP", "100.00 %", "91 %", "95.45 %"]


def test_nothing_to_draw_is_said() -> None:
    nothing = Reliability("A", look("blue", 0, 0), NONE)
    for fig in (reliability_curve([nothing]), bin_counts([]), coverage_curves([])):
        assert fig.layout.annotations[0].text == "No answers yet"
    curve = pd.DataFrame(columns=["threshold", "answered", "coverage", "accuracy"])
    empty = [Coverage("A", look("blue", 0, 0), curve, np.nan, np.nan)]
    assert {describe_reliability([nothing]), describe_counts([nothing]), describe_coverage(empty)} == {
        "No answers yet."
    }
