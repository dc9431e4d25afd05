"""The guesses of a class in one picture, and what came out among them as soon as it may be seen.

Guesses are grey; what came out has the contestants' colours and markers, or a star and a word. Numbers arrive in the unit that
is shown, and the axis' title says which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from core.charts.figure import Figure, Trace, scatter
from core.charts.guess import (
    LEAST_HEIGHT,
    ROW_CHARACTERS,
    ROW_HEIGHT,
    TITLE_CHARACTERS,
    Column,
    came_out_name,
    curve_axis,
    lines,
    number_axis,
    places,
)
from core.charts.guess_axes import Axes
from core.charts.theme import GREY, finish, label, note, number_text, pale

N_BINS = 50  # of a number axis: guesses in the same one stand above each other
MAX_EXACT_TICKS = 10  # up to so many guesses each number has its label
STAR = "★ came out"
DOT = MappingProxyType(
    {"symbol": "circle", "color": pale(GREY, 0.75), "line": {"width": 1, "color": GREY}}
)  # of one pupil
MIN_PLACES, MAX_LARGE_DOTS = 5, 12  # guesses that a row has room for at least; of which dots have their full size
SMALLEST_DOT, LARGEST_DOT = 18, 40  # pixels
DISC = "#5d6370"  # white numbers on it have a contrast of 6


def choices_figure(options: Sequence[str], counts: Sequence[int], came_out: str = "") -> Figure:
    """A row for each option, in it a dot for each guess. came_out: the option that did, "" as long as it is hidden"""
    rows = list(reversed(list(zip(options, counts, strict=True))))  # the first one on top
    texts = [f"{'★ ' if option == came_out else ''}{lines(label(option, 60), ROW_CHARACTERS)}" for option, _ in rows]
    most = max([*counts, MIN_PLACES])
    dots = scatter(
        x=[place for _, count in rows for place in range(1, count + 1)],
        y=[row for row, (_, count) in enumerate(rows) for _ in range(count)],
        mode="markers", cliponaxis=False, showlegend=False, marker={**DOT, "size": 11 if most <= MAX_LARGE_DOTS else 7},
        hovertemplate="a guess<extra></extra>",
    )  # fmt: skip
    fig = finish(Figure(dots), "Guesses (number)", "", max(LEAST_HEIGHT, 100 + ROW_HEIGHT * len(rows)))
    if came_out:
        row, count = next((row, count) for row, (option, count) in enumerate(rows) if option == came_out)
        fig.add_trace(
            scatter(
                x=[count + 1], y=[row], mode="markers", cliponaxis=False, showlegend=False,
                marker={"symbol": "star", "size": 17, "color": GREY}, hovertemplate="came out<extra></extra>",
            )
        )  # fmt: skip
        note(fig, STAR)
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_xaxes({"range": [0, most + 1.6], **_counts_axis(most)})
    fig.update_yaxes(
        tickmode="array", tickvals=list(range(len(rows))), ticktext=texts, showgrid=False, range=[-0.6, len(rows) - 0.4]
    )
    return fig


def numbers_figure(
    values: Sequence[float],
    axes: Axes,
    column: Column | None = None,
    truth: float | None = None,
    close: tuple[float, float] | None = None,
) -> Figure:
    """A line of numbers with a dot for each guess; equal ones stand above each other.

    truth: what came out, None as long as it is hidden · close: between which numbers a guess is close
    column: whose looks the truth has, None where it is a difference or a ratio
    """
    heights = _stacked(values, axes)
    top = max([*heights, 3])
    dots = scatter(
        x=list(values), y=heights, mode="markers", showlegend=False,
        marker={**DOT, "size": 11},
        hovertemplate="%{x:,.4~r}<extra>a guess</extra>",
    )  # fmt: skip
    fig = finish(Figure(dots), lines(axes.title, TITLE_CHARACTERS), "Guesses (number)", LEAST_HEIGHT + 40)
    if truth is not None:
        colour, symbol = (column.look.colour, column.look.symbol) if column else (GREY, "diamond")
        fig.add_trace(
            scatter(
                x=[truth], y=[0], mode="markers", cliponaxis=False, showlegend=False,
                marker={"symbol": symbol, "size": 15, "color": colour}, hovertemplate="%{x:,.4~r}<extra>came out</extra>",
            )
        )  # fmt: skip
        fig.add_shape(type="line", x0=truth, x1=truth, y0=0, y1=1, yref="paper", line={"color": colour, "width": 2})
    if close is not None and truth is not None:
        fig.add_shape(
            type="rect", x0=close[0], x1=close[1], y0=0, y1=1, yref="paper", fillcolor=pale(GREY, 0.15),
            line={"width": 0}, layer="below",
        )  # fmt: skip
        note(fig, f"Line: came out, {number_text(truth)}. Shaded: what counts as close")
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_xaxes(number_axis([axes.low, axes.high, *([] if truth is None else [truth])], axes.log))
    fig.update_yaxes({"range": [-0.4, top + 0.6], **_counts_axis(top)})
    return fig


def orders_figure(labels: Sequence[str], counts: Sequence[Sequence[int]], came_out: Sequence[str] = ()) -> Figure:
    """A row for each contestant, a column for each place, and a disc as large as there are guesses that put it there.

    counts: of a contestant, of a place · came_out: labels, the first place first, () as long as it is hidden
    """
    n, most = len(labels), max(max(row) for row in counts)
    cells = [(row, place, counts[row][place]) for row in range(n) for place in range(n) if counts[row][place]]
    share = [math.sqrt(count / most) for *_, count in cells]
    discs = scatter(
        x=[place + 1 for _, place, _ in cells], y=[n - row for row, *_ in cells], mode="markers+text",
        text=[f"{count:,}" for *_, count in cells], textposition="middle center", showlegend=False,
        marker={
            "symbol": "circle", "size": [SMALLEST_DOT + (LARGEST_DOT - SMALLEST_DOT) * size for size in share],
            "color": DISC, "line": {"width": 0},
        },
        textfont={"color": "#ffffff"},
        hovertemplate="%{text} guesses<extra></extra>",
    )  # fmt: skip
    fig = finish(Figure(discs), "Place (1 is the best)", "", max(LEAST_HEIGHT, 100 + ROW_HEIGHT * n))
    if came_out:
        fig.add_trace(
            scatter(
                x=[list(came_out).index(name) + 1 for name in labels], y=[n - row for row in range(n)], mode="markers",
                marker={"symbol": "square-open", "size": LARGEST_DOT + 6, "color": GREY, "line": {"width": 3}},
                showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        note(fig, "Square: where it came out")
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_xaxes(tickmode="array", tickvals=list(range(1, n + 1)), range=[0.5, n + 0.5], showgrid=False)
    texts = [lines(label(name), ROW_CHARACTERS) for name in labels]
    fig.update_yaxes(tickmode="array", tickvals=list(range(n, 0, -1)), ticktext=texts, range=[0.4, n + 0.6])
    return fig


def curves_figure(
    guesses: Sequence[Sequence[float]], columns: Sequence[Column], axes: Axes, x_title: str, *, is_shown: bool = False,
    is_exact: bool = False,
) -> Figure:  # fmt: skip
    """Every guessed curve grey and dashed. is_shown: whether what came out may be seen, as the means of the columns
    is_exact: whether it was counted, so that it is no mean"""
    at, name = places(columns), came_out_name(is_exact=is_exact)
    traces: list[Trace] = [
        scatter(
            x=at, y=list(guess), mode="lines+markers", showlegend=False,
            line={"color": pale(GREY, 0.5), "width": 1.5, "dash": "dash"},
            marker={"symbol": "x-open", "size": 6, "color": GREY}, hovertemplate="%{y:,.4~r}, a guess<extra></extra>",
        )
        for guess in guesses
    ]  # fmt: skip
    values = [value for column in columns for value in column.values] if is_shown else []
    if is_shown:
        traces.append(
            scatter(
                x=at, y=[column.mean for column in columns], mode="lines+markers", name=name, connectgaps=False,
                line={"color": columns[0].look.colour, "width": 3}, marker={"symbol": columns[0].look.symbol, "size": 9},
                hovertemplate=f"%{{y:,.4~r}}, {name}<extra></extra>",
            )
        )  # fmt: skip
    fig = finish(Figure(*traces), lines(x_title, TITLE_CHARACTERS), lines(axes.title, TITLE_CHARACTERS))
    fig.update_xaxes(curve_axis(columns))
    fig.update_yaxes(number_axis([axes.low, axes.high, *values], axes.log))
    return fig


def class_bands_figure(
    guesses: Sequence[Sequence[float]], axes: Axes, column: Column, *, is_shown: bool = False
) -> Figure:
    """A rectangle for each guessed band. is_shown: whether what came out may be seen, as the values of the column"""
    x: list[float | None] = []
    y: list[float | None] = []
    for place, (low, high) in enumerate(guesses, 1):
        x += [place - 0.35, place + 0.35, place + 0.35, place - 0.35, place - 0.35, None]
        y += [low, low, high, high, low, None]
    bands = scatter(
        x=x[:-1], y=y[:-1], mode="lines", fill="toself", fillcolor=pale(GREY, 0.3), line={"color": GREY, "width": 1.5},
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    fig = finish(Figure(bands), "A rectangle for each guess", lines(axes.title, TITLE_CHARACTERS))
    n, values = len(guesses), list(column.values) if is_shown else []
    if values:
        fig.add_trace(
            scatter(
                x=[n + 1 + offset for offset in np.linspace(-0.25, 0.25, len(values))], y=values, mode="markers",
                marker={"symbol": column.look.symbol, "size": 9, "color": column.look.colour}, showlegend=False,
                hovertemplate="%{y:,.4~r}, one seed<extra></extra>",
            )
        )  # fmt: skip
        for end in (min(values), max(values)):
            fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=end, y1=end,
                          line={"color": column.look.colour, "width": 2, "dash": "dot"})  # fmt: skip
        note(fig, f"Dotted: came out, {number_text(min(values))} to {number_text(max(values))}")
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_xaxes(showticklabels=False, showgrid=False, range=[0.4, max(n, 5) + (1.6 if values else 0.6)])
    fig.update_yaxes(number_axis([axes.low, axes.high, *values], axes.log))
    return fig


def _counts_axis(most: int) -> dict[str, object]:
    """Whole numbers only."""
    return {"dtick": 1} if most <= MAX_EXACT_TICKS else {"tickformat": ",d", "nticks": 6}


def _stacked(values: Sequence[float], axes: Axes) -> list[int]:
    """Height of each dot, from 1: how many before it lie in the same part of the axis."""
    scale = math.log if axes.log else float
    low, high = scale(axes.low), scale(axes.high)
    seen: dict[int, int] = {}
    heights = []
    for value in values:
        place = round(N_BINS * (scale(value) - low) / (high - low))
        seen[place] = seen.get(place, 0) + 1
        heights.append(seen[place])
    return heights
