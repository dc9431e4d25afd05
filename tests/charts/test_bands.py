"""Curves over seeds and over numbers of images: means, and how far the seeds lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis.history import frame
from core.charts.bands import Band, bands, describe_bands
from core.charts.data_efficiency import data_efficiency, describe_data_efficiency
from core.charts.looks import look
from core.engine.events import EpochEnd, Started, to_json
from tests.charts.reading import figures


def history(losses: Sequence[float], pace: float = 1.0, last: float | None = None) -> pd.DataFrame:
    """A run with these validation losses after epoch 0, 1, …; accuracies are one minus them. last: epoch of the last one."""
    epochs = [*range(len(losses) - 1), len(losses) - 1 if last is None else last]
    ends = [
        EpochEnd(e, round(10 * e), 0.5, 0.5, loss, 1 - loss, 0.1, 1.0, pace * e, 1.0, False)
        for e, loss in zip(epochs, losses, strict=True)
    ]
    started = Started(10, "cpu", 1, 100, 50, 10, 9, 0, "", 0.1, 0.3)
    return frame(to_json(event) for event in (started, *ends))


def band(*losses: Sequence[float], name: str = "CNN", number: int = 0, **values: object) -> Band:
    return Band(name, look("blue", number, 0), [history(one) for one in losses], **values)  # type: ignore[arg-type]


def mean_of(fig: go.Figure) -> go.Scatter:
    (trace,) = (trace for trace in fig.data if trace.customdata is not None)
    return trace


def area_of(fig: go.Figure) -> go.Scatter:
    (trace,) = (trace for trace in fig.data if trace.fill == "toself")
    return trace


def test_three_seeds_are_a_mean_with_a_band_from_lowest_to_highest() -> None:
    fig = bands([band([0.8, 0.4], [0.7, 0.5], [0.6, 0.3])])
    mean, area = mean_of(fig), area_of(fig)
    np.testing.assert_allclose(mean.y, [0.7, 0.4])
    assert mean.line.dash is None, "validation is solid"
    assert list(zip(area.x, area.y, strict=True)) == [(0, 0.6), (1, 0.3), (1, 0.5), (0, 0.8)]
    np.testing.assert_allclose(mean.customdata, [[0.7, 0.6, 0.8, 3], [0.4, 0.3, 0.5, 3]])
    assert "of 3 seeds" in mean.hovertemplate
    legend = [trace.name for trace in fig.data if trace.showlegend is not False]
    assert legend == ["CNN, 3 seeds", "mean over seeds", "lowest to highest seed"]


def test_two_seeds_are_two_thin_lines_and_no_band() -> None:
    fig = bands([band([0.8, 0.4], [0.7, 0.5])])
    lines = [trace for trace in fig.data if trace.customdata is not None]
    assert [trace.y.tolist() for trace in lines] == [[0.8, 0.4], [0.7, 0.5]]
    assert not [trace for trace in fig.data if trace.fill]
    assert [trace.name for trace in fig.data if trace.showlegend is not False] == ["CNN, 2 seeds", "one seed"]


def test_the_mean_is_over_the_seeds_that_got_there_and_the_band_ends_where_fewer_than_three_are_left() -> None:
    fig = bands([band([0.9, 0.6, 0.3], [0.8, 0.5], [0.7, 0.4])])
    np.testing.assert_allclose(mean_of(fig).y, [0.8, 0.5, 0.3])
    assert mean_of(fig).customdata[:, 3].tolist() == [3, 3, 1]
    assert area_of(fig).x.max() == 1


def test_an_end_inside_an_epoch_counts_when_nobody_went_past_it() -> None:
    cut = [history([0.9, 0.6, value], last=1.5) for value in (0.3, 0.4, 0.5)]
    together = bands([Band("steps", look("blue", 0, 0), cut)])
    assert mean_of(together).x.tolist() == [0, 1, 1.5]
    assert mean_of(together).y[-1] == pytest.approx(0.4)
    alone = bands([Band("stopped", look("blue", 0, 0), [cut[0], history([0.8, 0.5, 0.2]), history([0.7, 0.4, 0.2])])])
    assert mean_of(alone).x.tolist() == [0, 1, 2]


def test_a_diverged_seed_is_not_part_of_the_mean_and_the_count_says_so() -> None:
    fig = bands([band([0.9, float("nan")], [0.8, 0.5], [0.7, 0.4], [0.6, 0.3])])
    np.testing.assert_allclose(mean_of(fig).y, [0.75, 0.4])
    assert mean_of(fig).customdata[:, 3].tolist() == [4, 3]
    assert "of 4 seeds" in mean_of(fig).hovertemplate


def test_on_an_axis_of_seconds_the_mean_stands_at_the_mean_time_and_heights_stay() -> None:
    paces = Band("CNN", look("blue", 0, 0), [history([0.8, 0.4], pace) for pace in (1.0, 2.0, 6.0)], 1_000_000)
    heights = {x: mean_of(bands([paces], x=x)).y.tolist() for x in ("epoch", "seconds", "examples", "multiply_adds")}
    assert len({tuple(values) for values in heights.values()}) == 1
    assert mean_of(bands([paces], x="seconds")).x.tolist() == [0, 3]
    np.testing.assert_allclose(mean_of(bands([paces], x="multiply_adds")).x, [0, 1_000_000 * 100 / 1e9])
    left_out = bands([band([0.8], [0.7], [0.6])], x="multiply_adds")
    assert "multiply-adds not known: CNN" in left_out.layout.annotations[-1].text


def test_the_log_accuracy_axis_shows_errors_and_tells_accuracies() -> None:
    fig = bands([band([0.1], [0.2], [0.3])], metric="accuracy", log_y=True)
    assert fig.layout.yaxis.autorange == "reversed"
    np.testing.assert_allclose(mean_of(fig).y, [20])
    np.testing.assert_allclose(mean_of(fig).customdata, [[80, 70, 90, 3]])


def test_long_bands_are_thinned() -> None:
    losses = np.random.default_rng(0).random((3, 1200)).tolist()
    fig = bands([band(*losses)])
    assert len(mean_of(fig).x) <= 300
    assert len(area_of(fig).x) <= 600


def test_the_description_gives_mean_and_range_the_best_first() -> None:
    series = [band([0.8, 0.4], [0.7, 0.5], [0.6, 0.3]), band([0.9, 0.1], name="MLP", number=1)]
    losses = ["MLP", "0.1000 nats", "1", "CNN", "0.4000 nats", "0.3000", "0.5000", "3", "1"]
    assert figures(describe_bands(series), "MLP", "CNN") == losses
    accuracies = ["CNN", "60.00 %", "50.00 %", "70.00 %", "3", "1"]
    assert figures(describe_bands(series, metric="accuracy"), "CNN")[-6:] == accuracies


def hungry(seeds: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "name": name,
                "look": look("blue", number, 0),
                "number": number,
                "n_train": n,
                "accuracy": base + seed / 100,
            }
            for number, name in enumerate(("CNN", "MLP"))
            for n, base in ((100, 0.8 - 0.1 * number), (1000, 0.9))
            for seed in range(seeds)
        ]
    )


def test_data_efficiency_draws_each_run_the_mean_and_a_band_on_two_log_axes() -> None:
    fig = data_efficiency(hungry())
    assert fig.layout.xaxis.type == fig.layout.yaxis.type == "log"
    assert fig.layout.xaxis.ticktext == ("100", "1,000")
    lines = [trace for trace in fig.data if trace.mode == "lines+markers" and trace.customdata is not None]
    np.testing.assert_allclose([trace.y for trace in lines], [[19, 9], [29, 9]])
    np.testing.assert_allclose(lines[0].customdata, [[81, 80, 82, 3], [91, 90, 92, 3]])
    points = [trace for trace in fig.data if trace.mode == "markers" and trace.hoverinfo == "skip" and trace.x[0]]
    assert [len(trace.x) for trace in points] == [6, 6]
    assert sum(trace.fill == "toself" for trace in fig.data) == 2
    assert not [trace for trace in data_efficiency(hungry(2)).data if trace.fill], "two points are no spread"
    accuracies = data_efficiency(hungry(), "accuracy")
    assert accuracies.layout.yaxis.type is None
    assert next(t.y.tolist() for t in accuracies.data if t.customdata is not None) == pytest.approx([81, 91])


def test_a_perfect_score_still_stands_on_the_log_axis_of_errors() -> None:
    fig = data_efficiency(hungry(1).assign(accuracy=1.0))
    assert {float(y) for trace in fig.data if trace.customdata is not None for y in trace.y} == {0.01}


def test_the_description_of_data_efficiency_names_both_ends() -> None:
    assert describe_data_efficiency(hungry()) == (
        "Mean test accuracy by number of training images: CNN 81.00 % with 100 and 91.00 % with 1,000; "
        "MLP 71.00 % with 100 and 91.00 % with 1,000."
    )
