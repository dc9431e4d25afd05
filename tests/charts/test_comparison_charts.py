"""What every figure of the comparison pages owes its reader: units, words, escaped names, and something to say when empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis.history import frame
from core.charts import theme
from core.charts.agreement import agreement, describe_agreement
from core.charts.bands import Band, bands, describe_bands
from core.charts.cost import cost_scatter, describe_cost
from core.charts.curves import Line, curves_figure
from core.charts.data_efficiency import data_efficiency, describe_data_efficiency
from core.charts.finder import describe_finder, finder_chart
from core.charts.forgetting import LearnedRun, describe_forgetting, describe_learned, forgetting_bars, learned_curves
from core.charts.gap import describe_gap, gap_figure
from core.charts.gradients import describe_gradients, gradients_figure
from core.charts.tuning import best_so_far, describe_best_so_far, describe_trials, trial_scatter
from core.engine.events import EpochEnd, Progress, Started, to_json

EVIL = '<a href="javascript:x">$\\alpha$</a>%{x}'
BLUE = theme.run_colour(0)


def history() -> pd.DataFrame:
    events = [Started(10, "cpu", 1, 1000, 100, 10, 2, 0, "", 0.1, 0.3)]
    for e in range(3):
        events.append(EpochEnd(e, 10 * e, 0.5 if e else None, 0.8 if e else None, 0.6, 0.7, 0.1, 1.0, e, 1.0, e == 1))
        events.append(Progress(e + 0.5, 10 * e + 5, 0.5, 0.8, 0.1, 2.0, 1.0, e + 0.5))
    return frame(to_json(event) for event in events)


def rows(name: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"name": name, "colour": BLUE, "number": 0, "accuracy": [0.9, 0.95], **columns})


def learned(name: str) -> LearnedRun:
    images = pd.DataFrame({"first": [0.0, 1.0, 2.0, np.nan], "forgotten": [0, 1, 5, 0]})
    return LearnedRun(name, BLUE, 0, np.arange(3.0), images)


POINTS = pd.DataFrame({"lr": [0.001, 0.01, 0.1], "loss": [2.3, 1.9, np.inf], "smoothed": [2.3, 2.0, 2.4]})
SHARES = np.array([[1, 0.9], [0.9, 1]])


def figures(name: str) -> dict[str, go.Figure]:
    line = Line(name, BLUE, history(), 1000)
    return {
        "curves by work": curves_figure([line], x="multiply_adds").built(),
        "loss gap": gap_figure([line]).built(),
        "loss gap by images": gap_figure([line], x="examples").built(),
        "gradients": gradients_figure([line]).built(),
        "bands": bands([Band(name, BLUE, 0, [history()] * 3)]),
        "single seeds": bands([Band(name, BLUE, 0, [history()] * 2)], x="seconds"),
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
    "bands": (bands([Band("new", BLUE, 0, [frame([])])]), describe_bands([Band("new", BLUE, 0, [])])),
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


def test_sixty_four_runs_differ_in_colour_or_in_shape_and_filling() -> None:
    numbers = range(64)
    assert len({(theme.run_colour(number), theme.run_symbol(number)) for number in numbers}) == 64
    assert len({(theme.run_colour(number), theme.run_pattern(number)) for number in numbers}) == 64
    assert [theme.run_symbol(number) for number in range(8)] == list(theme.RUN_SYMBOLS)


@pytest.mark.parametrize(
    ("value", "text"), [(0.000012, "0.000012"), (1e-5, "0.00001"), (0.31234, "0.312"), (10.0, "10"), (1200, "1200")]
)
def test_small_numbers_are_written_out(value: float, text: str) -> None:
    assert theme.number_text(value) == text


def test_a_log_axis_has_more_ticks_where_it_has_fewer_decades() -> None:
    assert theme.log_ticks(0.2, 8)["ticktext"] == ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"]
    assert theme.log_ticks(1e-5, 10)["tickvals"] == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10])
    assert theme.log_ticks(7_850, 2_000_000, short=True)["ticktext"] == ["1k", "10k", "100k", "1M", "10M"]
