"""Curves on five axes, smoothed or not, the gap between training and validation, and the gradients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis.history import frame, smoothed
from core.charts.curves import Line, curves_figure
from core.charts.gap import describe_gap, gap_figure
from core.charts.gradients import describe_gradients, gradients_figure
from core.charts.looks import look
from core.engine.events import EpochEnd, Progress, Started, to_json
from tests.charts.reading import figures

AXES = ("epoch", "step", "seconds", "examples", "multiply_adds")
N_TRAIN = 900


def history(
    epochs: int = 4, inside: int = 6, seed: int = 0, started: bool = True, sample: bool = False
) -> pd.DataFrame:
    noise = np.random.default_rng(seed)
    events: list[object] = [Started(10, "cpu", 1, N_TRAIN, 100, 70, epochs, 0, "", 0.1, 0.3)] if started else []
    for e in range(epochs + 1):
        loss = 1 / (e + 1) + 0.02 * noise.random()
        train = (0.9 * loss, 1 - loss / 4) if e else (None, None)
        after = (loss / 2, 1 - loss / 5) if sample else (None, None)
        events.append(EpochEnd(e, 70 * e, *train, loss, 1 - loss / 3, 0.1, 1.0, 2.0 * e, 2.0, e == 2, *after))
        for i in range(1, inside + 1) if e < epochs else ():
            at = e + i / (inside + 1)
            events.append(Progress(at, round(70 * at), 0.5 + noise.random(), 0.7, 0.1, 1 / (1 + at), 1.0, 2 * at))
    return frame(to_json(event) for event in events)  # type: ignore[arg-type]


def line(name: str = "CNN", number: int = 0, smooth: float = 0, **values: object) -> Line:
    points = history(seed=number)
    values = {"multiply_adds": 10_000_000, "smoothed": smoothed(points, smooth) if smooth else None} | values
    return Line(name, look("blue", number, 0), points, **values)  # type: ignore[arg-type]


def data(fig: go.Figure) -> list[go.Scatter]:
    return [trace for trace in fig.data if trace.x is not None and trace.x[0] is not None]


def notes(fig: go.Figure) -> list[str]:
    return [note.text for note in fig.layout.annotations]


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("smooth", [0, 0.9])
def test_another_axis_never_moves_a_point_up_or_down(metric, log_y: bool, smooth: float) -> None:
    lines = [line(number=number, smooth=smooth) for number in range(3)]
    drawn = [
        [trace.y.tolist() for trace in data(curves_figure(lines, x=x, metric=metric, log_y=log_y).built())]
        for x in AXES
    ]
    assert all(heights == drawn[0] for heights in drawn)
    gaps = [[trace.y.tolist() for trace in data(gap_figure(lines, x=x).built())] for x in AXES]
    assert all(heights == gaps[0] for heights in gaps)


def test_images_seen_and_training_work_grow_with_the_epochs() -> None:
    run = line()
    val = {x: data(curves_figure([run], x=x).built())[0].x for x in AXES}
    np.testing.assert_allclose(val["examples"], N_TRAIN * val["epoch"])
    # The axis counts billions.
    np.testing.assert_allclose(val["multiply_adds"], 10_000_000 * N_TRAIN * val["epoch"] / 1e9)


def test_a_run_whose_work_is_unknown_is_left_out_and_named() -> None:
    fig = curves_figure([line("known"), line("<unknown>", 1, multiply_adds=None)], x="multiply_adds").built()
    assert {trace.name for trace in data(fig)} == {"known"}
    assert notes(fig) == ["Left out, number of multiply-adds not known: &lt;unknown&gt;"]
    assert not notes(curves_figure([line("known"), line("other", 1, multiply_adds=None)], x="examples").built())
    alone = curves_figure([line("old", multiply_adds=None)], x="multiply_adds").built()
    assert notes(alone) == ["Nothing to draw on this axis", "Left out, number of multiply-adds not known: old"]
    unknown = Line("old", look("blue", 0, 0), history(started=False), 10)
    for chart in (curves_figure, gap_figure, gradients_figure):
        assert notes(chart([unknown, line("known")], x="examples").built()) == [
            "Left out, number of images seen not known: old"
        ]


def test_ten_runs_keep_ten_names_and_their_colours_and_shapes_in_any_order() -> None:
    lines = [line(f"run {number}", number) for number in range(10)]
    solid = [trace for trace in data(curves_figure(lines).built()) if trace.line.dash == "solid"]
    assert [trace.name for trace in solid] == [run.name for run in lines]
    assert len({(trace.line.color, trace.marker.symbol) for trace in solid}) == 10
    shuffled = [trace for trace in data(curves_figure(lines[::-1]).built()) if trace.line.dash == "solid"]
    for before, after in zip(solid[::-1], shuffled, strict=True):
        assert (after.line.color, after.marker.symbol) == (before.line.color, before.marker.symbol)


def test_smoothing_draws_the_smoothed_line_above_the_measured_one_which_stays_as_it_is() -> None:
    raw, smooth = line(), line(smooth=0.9)
    plain = [trace for trace in data(curves_figure([raw]).built()) if not trace.marker.standoff]
    drawn = [trace for trace in data(curves_figure([smooth]).built()) if not trace.marker.standoff]
    assert [trace.opacity for trace in drawn] == [0.45, None] * 2
    for before, measured, after in zip(plain, drawn[::2], drawn[1::2], strict=True):
        np.testing.assert_array_equal(measured.y, before.y)
        assert measured.line.width < after.line.width
        assert measured.line.dash == after.line.dash == before.line.dash
        assert not np.allclose(after.y, before.y)
        np.testing.assert_allclose(after.customdata[:, 0], after.y)
        np.testing.assert_allclose(after.customdata[:, 1], before.y, err_msg="the pointer tells what was measured")
    legend = [trace.name for trace in curves_figure([smooth]).built().data if trace.showlegend is not False]
    assert legend == ["CNN", "validation", "training, while learning", "best epoch", "pale: as measured"]


def test_the_best_epoch_is_marked_where_it_was_measured() -> None:
    for run in (line(), line(smooth=0.9)):
        (mark,) = (trace for trace in data(curves_figure([run]).built()) if trace.marker.standoff)
        best = run.history[run.history["is_best"]].iloc[0]
        assert (mark.x[0], mark.y[0]) == (best["epoch"], best["loss"])


def test_the_gap_is_what_training_is_ahead_after_each_epoch() -> None:
    run = line()
    ends = run.history[run.history["whole_epoch"] & (run.history["epoch"] > 0)].set_index("epoch")
    train, val = ends[ends["split"] == "train"], ends[ends["split"] == "val"]
    (loss,) = data(gap_figure([run]).built())
    np.testing.assert_allclose(loss.y, val["loss"] - train["loss"])
    assert loss.x.tolist() == [1, 2, 3, 4]
    last = float((val["loss"] - train["loss"]).iloc[-1])
    assert figures(describe_gap([run]), "CNN") == ["CNN", f"{last:+.4f} nats", "4"]


def test_the_gap_of_a_network_that_read_training_images_after_each_epoch_is_theirs_and_else_it_says_so() -> None:
    new, old = Line("new", look("blue", 0, 0), history(sample=True)), line("old", 1)
    ends = new.history[new.history["whole_epoch"]].set_index("epoch")
    val = ends.loc[ends["split"] == "val", "loss"]
    drawn = {trace.name: trace for trace in data(gap_figure([new, old]).built())}
    np.testing.assert_allclose(drawn["new"].y, val / 2)
    assert list(drawn) == ["new", "old (measured while learning)"]
    assert "old (measured while learning) +" in describe_gap([new, old])
    assert f"new {val.iloc[-1] / 2:+.4f} nats" in describe_gap([new, old])


def test_what_was_read_after_each_epoch_changes_no_curve() -> None:
    with_sample, without = (Line("CNN", look("blue", 0, 0), history(sample=sample)) for sample in (True, False))
    assert curves_figure([with_sample]).built() == curves_figure([without]).built()


def test_gradients_are_drawn_on_a_log_axis_as_they_were_measured() -> None:
    run = line()
    fig = gradients_figure([run]).built()
    norms = run.history["grad_norm"].dropna()
    assert fig.layout.yaxis.type == "log"
    np.testing.assert_array_equal(data(fig)[0].y, norms)
    assert [trace.showlegend for trace in gradients_figure([line(smooth=0.5)]).built().data] == [False, True]
    assert figures(describe_gradients([run]), "CNN")[:2] == ["CNN", f"{norms.iloc[0]:.3g}"]


def test_gradients_that_vanish_do_not_break_the_log_axis() -> None:
    run = line()
    run.history["grad_norm"] = np.where(run.history["whole_epoch"], np.nan, 0.0)
    assert notes(gradients_figure([run]).built()) == ["Every gradient is zero: nothing is learned"]
    both = gradients_figure([run, line("alive")]).built()
    assert both.layout.yaxis.type == "log"
    assert len(both.data) == 2
