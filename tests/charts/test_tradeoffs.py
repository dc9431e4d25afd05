"""Cost against accuracy, agreement between runs, and trials of the learning rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.analysis.pareto import pareto_front
from core.charts.agreement import agreement, describe_agreement
from core.charts.cost import cost_scatter, describe_cost
from core.charts.finder import describe_finder, finder_chart
from core.charts.looks import look
from core.charts.tuning import best_so_far, describe_best_so_far, describe_trials, trial_scatter
from tests.charts.reading import figures

RUNS = pd.DataFrame(
    {
        "name": ["MLP", "CNN", "LSTM", "new"], "look": [look("blue", place, 0) for place in range(4)],
        "n_params": [1_000, 50_000, 100_000, 10], "accuracy": [0.9, 0.99, 0.98, np.nan],
        "low": [0.88, 0.985, np.nan, np.nan], "high": [0.91, 0.993, np.nan, np.nan],
    }
)  # fmt: skip
RUNS["front"] = pareto_front(RUNS["n_params"], RUNS["accuracy"])


def test_each_run_stands_at_its_cost_with_its_colour_and_shape() -> None:
    fig = cost_scatter(RUNS, "n_params")
    markers = [trace for trace in fig.data if trace.mode == "markers"]
    assert [(trace.x[0], trace.y[0]) for trace in markers] == [(1_000, 90), (50_000, 99), (100_000, 98)]
    assert [(t.name, t.marker.color, t.marker.symbol) for t in markers][2] == ("LSTM", *look("blue", 2, 0)[:2])
    assert fig.layout.xaxis.type == "log"
    assert [note.text for note in fig.layout.annotations] == ["Left out, not measured yet: 1 of 4 runs"]


def test_the_front_is_a_step_from_the_cheapest_to_the_best() -> None:
    (front,) = (trace for trace in cost_scatter(RUNS, "n_params").data if trace.mode == "lines")
    assert front.line.shape == "hv"
    assert (front.x.tolist(), front.y.tolist()) == ([1_000, 50_000], [90, 99])
    assert not [t for t in cost_scatter(RUNS.drop(columns="front"), "n_params").data if t.mode == "lines"]


@pytest.mark.parametrize(("y", "at", "up", "down"), [("accuracy", 90, 1, 2), ("error", 10, 2, 1)])
def test_error_bars_reach_from_low_to_high_where_they_are_known(y, at: float, up: float, down: float) -> None:
    markers = [trace for trace in cost_scatter(RUNS, "n_params", y).data if trace.mode == "markers"]
    assert markers[0].y[0] == pytest.approx(at)
    assert markers[0].error_y.array[0] == pytest.approx(up)
    assert markers[0].error_y.arrayminus[0] == pytest.approx(down)
    assert markers[2].error_y.visible is False


def test_errors_are_drawn_on_a_log_axis_and_a_perfect_score_at_its_lower_end() -> None:
    fig = cost_scatter(RUNS.assign(accuracy=1.0), "n_params", "error")
    assert fig.layout.yaxis.type == "log"
    assert {float(trace.y[0]) for trace in fig.data if trace.mode == "markers"} == {0.01}
    assert "100.00 %" in fig.data[-1].hovertemplate


def test_more_than_ten_runs_are_named_by_the_pointer_only() -> None:
    many = pd.concat([RUNS[:3]] * 4).drop(columns="front")
    assert not [trace for trace in cost_scatter(many, "n_params").data if trace.showlegend]


def test_the_cost_is_described_by_the_front() -> None:
    front = ["3", "MLP", "1,000", "90.00 %", "CNN", "50,000", "99.00 %"]
    assert figures(describe_cost(RUNS, "n_params"), "MLP", "CNN", "LSTM") == front
    best = describe_cost(RUNS.drop(columns="front"), "n_params", split="val")
    assert figures(best, "validation", "MLP", "CNN", "LSTM") == ["3", "validation", "CNN", "50,000", "99.00 %"]


SHARES = np.array([[1, 0.95, 0.9], [0.95, 1, 0.85], [0.9, 0.85, 1]])


@pytest.mark.parametrize("dark", [False, True])
def test_agreement_prints_percents_and_colours_only_disagreement(dark: bool) -> None:
    fig = agreement(SHARES, ["A", "B", "C"], 1000, dark=dark)
    (cells,) = fig.data
    assert list(cells.text[0]) == ["100.00", "95.00", "90.00"]
    np.testing.assert_allclose(cells.z[0][1:], [5, 10])
    assert (np.diag(cells.z) == cells.zmin).all(), "grey, the colour of the scale's lower half"
    assert (cells.zmin, cells.zmax) == pytest.approx((-15, 15))
    assert [text.split()[0] for text in fig.layout.yaxis.ticktext] == ["A", "B", "C"]
    assert agreement(np.ones((2, 2)), ["A", "A"], 9).data[0].zmax > 0


def test_agreement_is_described_by_its_extremes() -> None:
    most_and_least = ["1,000", "A", "B", "95.00 %", "B", "C", "85.00 %"]
    assert figures(describe_agreement(SHARES, ["A", "B", "C"], 1000), "A", "B", "C") == most_and_least
    assert figures(describe_agreement(SHARES[:2, :2], ["A", "B"], 1000), "A", "B") == ["A", "B", "95.00 %", "1,000"]


TRIALS = pd.DataFrame(
    {
        "name": ["CNN"] * 3 + ["MLP"] * 2, "number": [0] * 3 + [1] * 2,
        "look": [look("blue", 0, 0)] * 3 + [look("blue", 1, 0)] * 2,
        "lr": [1e-4, 1e-2, 1.0, 1e-3, 1e-2], "accuracy": [0.9, 0.97, np.nan, 0.92, 0.94], "trials": [1, 2, 3, 1, 2],
    }
)  # fmt: skip


def test_trials_without_a_result_are_counted_not_hidden() -> None:
    fig = trial_scatter(TRIALS)
    assert fig.layout.xaxis.type == "log"
    assert [(t.name, t.x.tolist(), t.y.tolist()) for t in fig.data] == [
        ("CNN", [1e-4, 1e-2], [90, 97]),
        ("MLP", [1e-3, 1e-2], [92, 94]),
    ]
    assert [note.text for note in fig.layout.annotations] == ["Without a result: 1 of 5 trials"]
    assert trial_scatter(TRIALS[2:3]).layout.annotations[0].text == "Without a result: 1 of 1 trials"
    best = ["4", "CNN", "97.00 %", "0.01", "MLP", "94.00 %", "0.01"]
    assert figures(describe_trials(TRIALS), "CNN", "MLP") == best


def test_the_best_so_far_is_one_line_per_architecture() -> None:
    fig = best_so_far(TRIALS)
    assert [(t.name, t.x.tolist(), t.y.tolist()) for t in fig.data] == [
        ("CNN", [1, 2], [90, 97]),
        ("MLP", [1, 2], [92, 94]),
    ]
    expected = figures(describe_best_so_far(TRIALS), "CNN", "MLP")
    assert expected[:5] == ["CNN", "97.00 %", "2", "90.00 %", "MLP"]


POINTS = pd.DataFrame(
    {"lr": [1e-4, 1e-3, 1e-2, 1e-1], "loss": [2.5, 2.0, 0.9, 90.0], "smoothed": [2.4, 2.1, 1.5, 3.0]},
)


def test_the_finder_shows_each_batch_pale_the_smoothed_loss_and_the_suggestion_in_words() -> None:
    fig = finder_chart(POINTS, 0.0023)
    raw, smooth = fig.data
    assert (raw.y.tolist(), smooth.y.tolist()) == (POINTS["loss"].tolist(), POINTS["smoothed"].tolist())
    assert raw.opacity < 1
    assert raw.line.width < smooth.line.width
    (mark,) = fig.layout.shapes
    assert (mark.x0, mark.x1, mark.label.text) == (0.0023, 0.0023, "suggested: 0.0023")
    assert fig.layout.yaxis.range[0] < 0.9
    assert 3 < fig.layout.yaxis.range[1] < 10, "one batch that explodes must not flatten the rest"
    assert not finder_chart(POINTS).layout.shapes


def test_the_finder_draws_while_it_goes_on_and_survives_what_is_no_number() -> None:
    assert len(finder_chart(POINTS[:1]).data[1].x) == 1
    fig = finder_chart(POINTS.assign(smoothed=[2.4, np.inf, np.nan, 3.0]))
    assert "Infinity" not in fig.to_json()
    assert figures(describe_finder(POINTS.assign(smoothed=np.nan))) == []


def test_the_finder_is_described_with_its_suggestion() -> None:
    measured = ["0.0001", "0.1", "1.5000 nats", "0.01"]
    assert figures(describe_finder(POINTS, 0.0023)) == [*measured, "0.0023"]
    assert figures(describe_finder(POINTS)) == measured
