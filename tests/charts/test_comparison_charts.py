"""What every figure of the comparison pages owes its reader: units, words, escaped names, and something to say when empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis.history import frame
from core.charts import theme
from core.charts.agreement import agreement, describe_agreement
from core.charts.axis import set_x, spread_axis
from core.charts.bands import Band, bands, describe_bands
from core.charts.cost import cost_scatter, describe_cost
from core.charts.curves import Line, curves_figure
from core.charts.data_efficiency import data_efficiency, describe_data_efficiency
from core.charts.figure import Figure, scatter
from core.charts.finder import describe_finder, finder_chart
from core.charts.forgetting import LearnedRun, describe_forgetting, describe_learned, forgetting_bars, learned_curves
from core.charts.gap import describe_gap, gap_figure
from core.charts.gradients import describe_gradients, gradients_figure
from core.charts.looks import look
from core.charts.tuning import best_so_far, describe_best_so_far, describe_trials, trial_scatter
from core.engine.events import EpochEnd, Progress, Started, to_json

EVIL = '<a href="javascript:x">$\\alpha$</a>%{x}'
BLUE = look("blue", 0, 0)


def history() -> pd.DataFrame:
    events = [Started(10, "cpu", 1, 1000, 100, 10, 2, 0, "", 0.1, 0.3)]
    for e in range(3):
        events.append(EpochEnd(e, 10 * e, 0.5 if e else None, 0.8 if e else None, 0.6, 0.7, 0.1, 1.0, e, 1.0, e == 1))
        events.append(Progress(e + 0.5, 10 * e + 5, 0.5, 0.8, 0.1, 2.0, 1.0, e + 0.5))
    return frame(to_json(event) for event in events)


def rows(name: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"name": name, "look": [BLUE, BLUE], "number": 0, "accuracy": [0.9, 0.95], **columns})


def learned(name: str) -> LearnedRun:
    images = pd.DataFrame({"first": [0.0, 1.0, 2.0, np.nan], "forgotten": [0, 1, 5, 0]})
    return LearnedRun(name, BLUE, np.arange(3.0), images)


POINTS = pd.DataFrame({"lr": [0.001, 0.01, 0.1], "loss": [2.3, 1.9, np.inf], "smoothed": [2.3, 2.0, 2.4]})
SHARES = np.array([[1, 0.9], [0.9, 1]])


def figures(name: str) -> dict[str, go.Figure]:
    line = Line(name, BLUE, history(), 1000)
    return {
        "curves by work": curves_figure([line], x="multiply_adds").built(),
        "loss gap": gap_figure([line]).built(),
        "loss gap by images": gap_figure([line], x="examples").built(),
        "gradients": gradients_figure([line]).built(),
        "bands": bands([Band(name, BLUE, [history()] * 3)]),
        "single seeds": bands([Band(name, BLUE, [history()] * 2)], x="seconds"),
        "cost": cost_scatter(rows(name, seconds=[10.0, 20.0], front=True, low=0.8, high=0.99), "seconds"),
        "error by cost": cost_scatter(rows(name, latency_ms=[0.1, 0.2]), "latency_ms", "error"),
        "agreement": agreement(SHARES, [name, name], 100),
        "data_efficiency": data_efficiency(rows(name, n_train=[100, 300])),
        "best so far": best_so_far(rows(name, trials=[1, 2])),
        "trials": trial_scatter(rows(name, lr=[0.001, 0.1])),
        "finder": finder_chart(POINTS, 0.005),
        "learned": learned_curves([learned(name)]),
        "forgetting": forgetting_bars([learned(name)]),
    }


NONE = rows("", n_params=1, n_train=1, trials=1, lr=0.1)[:0]
EMPTY = {
    "gap": (gap_figure([]).built(), describe_gap([])),
    "gradients": (
        gradients_figure([Line("new", BLUE, frame([]))]).built(),
        describe_gradients([Line("new", BLUE, frame([]))]),
    ),
    "bands": (bands([Band("new", BLUE, [frame([])])]), describe_bands([Band("new", BLUE, [])])),
    "cost": (cost_scatter(NONE, "n_params"), describe_cost(NONE, "n_params")),
    "agreement": (agreement(np.ones((1, 1)), ["A"], 9), describe_agreement(np.ones((1, 1)), ["A"], 9)),
    "data_efficiency": (data_efficiency(NONE), describe_data_efficiency(NONE)),
    "best so far": (best_so_far(NONE), describe_best_so_far(NONE)),
    "trials": (trial_scatter(NONE), describe_trials(NONE)),
    "finder": (finder_chart(POINTS[:0]), describe_finder(POINTS[:0])),
    "learned": (learned_curves([]), describe_learned([])),
    "forgetting": (forgetting_bars([]), describe_forgetting([])),
}


def test_every_figure_has_a_unit_on_both_axes_and_lets_the_page_shine_through() -> None:
    for name, fig in figures("CNN").items():
        for axis in (fig.layout.xaxis, fig.layout.yaxis):
            assert "(" in axis.title.text, f"{name}: a unit, or what is counted"
            assert len(axis.title.text) <= 45, f"{name}: it must fit a narrow screen"
            assert (axis.type == "log") == ("log)" in axis.title.text), name
        assert fig.layout.paper_bgcolor is None, name
        assert fig.layout.uirevision == "fixed", name
        assert fig.layout.height <= 760, name
        assert "NaN" not in fig.to_json(), name


def test_names_of_people_are_inert() -> None:
    for name, fig in figures(EVIL).items():
        text = fig.to_json()
        assert "<a" not in text, name
        assert "$\\\\alpha$" not in text, name
        assert "%{x}</" not in text, name


def test_without_data_a_sentence_stands_in_the_figure_and_in_its_description() -> None:
    for name, (fig, description) in EMPTY.items():
        assert not fig.data, name
        assert len(fig.layout.annotations) == 1, name
        assert fig.layout.annotations[0].text, name
        assert description.endswith("."), name


@pytest.mark.parametrize(
    ("value", "text"), [(0.000012, "0.000012"), (1e-5, "0.00001"), (0.31234, "0.312"), (10.0, "10"), (1200, "1200")]
)
def test_small_numbers_are_written_out(value: float, text: str) -> None:
    assert theme.number_text(value) == text


def test_a_log_axis_leaves_its_labels_to_the_browser_and_asks_for_as_many_as_fit() -> None:
    for low, high, labels in ((0.5, 0.7, 5), (0.2, 8, 3), (1e-3, 0.5, 5), (1e-5, 10, 6), (1e-12, 10, 8)):
        axis = theme.log_axis((low, high))
        assert (axis["type"], axis["nticks"]) == ("log", labels), (low, high)
        assert "tickvals" not in axis, "a fixed list has no labels where somebody zooms in"
    assert theme.log_axis(None)["type"] == "log"
    assert theme.log_axis((7_850, 2_000_000), short=True)["tickformat"] == "~s"


@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        (0.01, 9, [0.01, 0.03, 0.1, 0.3, 1, 3]), (0.3, 40, [0.3, 1, 3, 10, 30]), (1, 90, [1, 2, 5, 10, 20, 50]),
        (12, 48, [15, 20, 25, 30, 35, 40, 45]), (20.5, 24.2, [21, 22, 23, 24]), (0.31, 0.34, [0.31, 0.32, 0.33, 0.34]),
        (21.02, 21.05, [21.02, 21.03, 21.04, 21.05]),
    ],
)  # fmt: skip
def test_round_numbers_fill_any_range(low: float, high: float, numbers: list[float]) -> None:
    assert theme.round_numbers(low, high) == pytest.approx(numbers)


def test_any_range_has_four_to_ten_round_numbers_and_no_two_alike() -> None:
    random = np.random.default_rng(0)
    for low, factor in zip(10 ** random.uniform(-2, 1.9, 300), 10 ** random.uniform(-3, 4, 300), strict=True):
        numbers = theme.round_numbers(low, min(100.0, low * (1 + factor)))
        assert 4 <= len(numbers) <= 10, (low, factor)
        assert len({f"{100 - number:.8g}" for number in numbers}) == len(numbers), "labels that say the same"
    assert len(theme.round_numbers(3.0, 3.0)) >= 3


def test_labels_of_spread_accuracies_are_short_and_only_the_other_axis_zooms() -> None:
    axis = spread_axis((0.3, 40.0))
    assert axis["ticktext"] == ["99.7", "99", "97", "90", "70"]
    assert axis["fixedrange"] is True


def test_a_short_axis_of_epochs_is_labelled_at_each_of_them_without_a_fixed_step() -> None:
    for last, labels in ((0.4, None), (3, 4), (5.94, 7), (12, 13), (40, None)):
        fig = Figure(scatter(x=[0, last], y=[1, 1]))
        set_x(fig, "epoch", last, fig.extent("x"))
        axis = fig.built().layout.xaxis
        assert (axis.nticks, axis.dtick) == (labels, None), last


def test_no_axis_of_a_figure_shows_more_digits_than_it_needs() -> None:
    for name, fig in figures("CNN").items():
        for axis in (fig.layout.xaxis, fig.layout.yaxis):
            assert axis.tickformat in (None, ",", ",d", "~s", ",.6~r"), name
            assert axis.exponentformat == "none", name
        assert fig.layout.yaxis.nticks or fig.layout.yaxis.tickvals, f"{name}: a low plot would have two labels"
