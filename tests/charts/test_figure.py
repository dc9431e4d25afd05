"""A figure in the making: the same as Plotly's own after the same changes."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from core.charts.figure import Figure, bar, scatter, with_ink


def test_changes_reach_any_depth_and_leave_the_rest() -> None:
    ours, theirs = Figure(scatter(x=[1], y=[2])), go.Figure(go.Scatter(x=[1], y=[2]))
    ours.add_trace(bar(x=[1], y=[3]))
    theirs.add_trace(go.Bar(x=[1], y=[3]))
    for fig in (ours, theirs):
        fig.update_layout(margin={"l": 1, "r": 2}, height=300)
        fig.update_layout(margin={"l": 5})
        fig.update_xaxes({"title": {"text": "x"}}, tickformat=",d")
        fig.update_xaxes(title={"standoff": 3})
        fig.update_yaxes(type="log")
        fig.add_annotation(text="one")
        fig.add_annotation(text="two")
        fig.add_shape(type="line", x0=0, x1=1, y0=0, y1=1)
    ours_plain, theirs_plain = ours.built().to_dict(), theirs.to_dict()
    theirs_plain["layout"].pop("template")  # Plotly puts its own there
    ours_plain["layout"].pop("template", None)
    assert ours_plain == theirs_plain


def test_what_plotly_does_not_know_is_refused_at_the_end() -> None:
    fig = Figure()
    fig.update_layout(hight=300)
    with pytest.raises(ValueError, match="hight"):
        fig.built()


def test_a_whole_figure_is_worked_out_once() -> None:
    drawn = Figure(scatter(x=[1], y=[2])).built()
    assert drawn.to_dict() is drawn.to_dict()


def test_ink_is_that_of_one_visitor_and_the_figure_stays_as_it_was() -> None:
    fig = Figure(scatter(x=[1], y=[2]))
    fig.update_xaxes(title={"text": "Epoch"})
    built = fig.built()
    inked = with_ink(built, "#123456").to_dict()["layout"]
    assert inked["xaxis"] == {
        "title": {"text": "Epoch", "font": {"color": "#123456"}},
        "tickfont": {"color": "#123456"},
    }
    assert inked["yaxis"]["tickfont"] == {"color": "#123456"}
    assert inked["font"] == {"color": "#123456"}, "what stands within the plot"
    assert "tickfont" not in built.to_dict()["layout"]["xaxis"]


def test_the_extent_is_that_of_every_number_that_is_drawn() -> None:
    fig = Figure(scatter(x=[1, 2], y=[0.5, float("nan")]), scatter(x=[None], y=[None]))
    assert fig.extent("x") == (1, 2)
    assert fig.extent("y") == (0.5, 0.5)
    assert Figure().extent("x") is None
