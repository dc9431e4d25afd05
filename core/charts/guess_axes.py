"""The empty axes on which a curve or a band is guessed: points to click on, or to draw a box over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.charts.figure import Figure, Trace, scatter
from core.charts.guess import TITLE_CHARACTERS, YOURS, Column, add_band, curve_axis, lines, number_axis, places
from core.charts.theme import GREY, finish, pale

MAX_GRID_HEIGHTS = 41  # of the points that can be chosen above one place


class Axes(NamedTuple):
    """Where something is guessed: low, high and step of the numbers, and whether they stand on a log axis."""

    title: str
    low: float
    high: float
    step: float
    log: bool = False

    def heights(self) -> list[float]:
        """The numbers that can be chosen with the mouse, ascending: whole steps, at most ``MAX_GRID_HEIGHTS``."""
        if self.log:
            return [float(value) for value in np.geomspace(self.low, self.high, MAX_GRID_HEIGHTS)]
        n_steps = int((self.high - self.low) / self.step + 1e-9)
        every = math.ceil(n_steps / (MAX_GRID_HEIGHTS - 1)) if n_steps else 1
        return [round(self.low + self.step * place, 10) for place in range(0, n_steps + 1, every)]


def curve_axes(columns: Sequence[Column], axes: Axes, x_title: str, guess: Sequence[float | None] = ()) -> Figure:
    """Axes with a grid of points: a click on one sets the curve there. customdata of a point: place of the contestant, number.

    guess: what has been guessed so far, None where nothing
    """
    heights, at = axes.heights(), places(columns)
    grid = _grid(
        [place for place in at for _ in heights],
        heights * len(at),
        [[number, height] for number in range(len(at)) for height in heights],
    )
    drawn = [(place, value) for place, value in zip(at, guess, strict=False) if value is not None]
    fig = finish(
        Figure(grid, _guessed([place for place, _ in drawn], [value for _, value in drawn])),
        lines(x_title, TITLE_CHARACTERS),
        lines(axes.title, TITLE_CHARACTERS),
    )
    fig.update_xaxes(curve_axis(columns))
    return _to_choose_on(fig, axes, "event+select")


def band_axes(axes: Axes, guess: tuple[float, float] | None = None) -> Figure:
    """Axes with a column of points: a box drawn over some of them is the band, from the lowest to the highest. customdata of a
    point: 0, number"""
    heights, columns = axes.heights(), 25  # wide enough for a box to catch some wherever it is drawn
    grid = _grid(
        [place for place in range(columns) for _ in heights],
        heights * columns,
        [[0, height] for height in heights] * columns,
    )
    fig = finish(Figure(grid), "", lines(axes.title, TITLE_CHARACTERS))
    if guess is not None:
        add_band(fig, guess)
    fig.update_xaxes(showticklabels=False, showgrid=False)
    return _to_choose_on(fig, axes, "none")


def _grid(x: Sequence[float], y: Sequence[float], data: Sequence[Sequence[float]]) -> Trace:
    return scatter(
        x=list(x),
        y=list(y),
        customdata=list(data),
        mode="markers",
        showlegend=False,
        marker={"size": 7, "color": pale(GREY, 0.35)},
        hovertemplate="%{y:,.4~r}<extra></extra>",
        selected={"marker": {"color": GREY}},
        unselected={"marker": {"opacity": 0.5}},
    )


def _guessed(x: Sequence[float], y: Sequence[float]) -> Trace:
    return scatter(
        x=list(x),
        y=list(y),
        mode="lines+markers",
        name=YOURS,
        showlegend=False,
        hoverinfo="skip",
        line={"color": GREY, "width": 2, "dash": "dash"},
        marker={"symbol": "x-open", "size": 11, "color": GREY, "line": {"width": 2}},
    )


def _to_choose_on(fig: Figure, axes: Axes, clickmode: str) -> Figure:
    fig.update_layout(hovermode="closest", dragmode="select", clickmode=clickmode, selectdirection="any")
    fig.update_xaxes(fixedrange=True)
    fig.update_yaxes({**number_axis([axes.low, axes.high], axes.log), "fixedrange": True})
    return fig
