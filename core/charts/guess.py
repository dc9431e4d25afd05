"""A guess and what came out in one picture.

The guess is grey, dashed or open, with a word beside it; what came out has the contestants' colours and markers. Numbers arrive
in the unit that is shown, and the axis' title says which.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from core.charts.figure import Figure, Trace, scatter
from core.charts.looks import Look, marker
from core.charts.theme import GREY, finish, label, log_axis, note, number_text, pale

YOURS = "guess"  # on a page it is the visitor's, on a lab sheet the pupil's who writes it
ROW_HEIGHT, LEAST_HEIGHT = 56, 220  # pixels
MARGIN = 0.06  # of the axis, beside the outermost value
TITLE_CHARACTERS, ORDER_CHARACTERS, ROW_CHARACTERS, REMARK_CHARACTERS = (
    34,
    14,
    16,
    48,
)  # of a line of text, so that it fits on a phone
GAP = "\u00a0" * 2  # between a mark and the words beside it
LOG_X_FACTOR = 20  # places that lie further apart than this stand on a log axis


class Column(NamedTuple):
    """What was measured of one contestant. values: one a seed, without those that diverged · x: its place below a curve"""

    label: str
    values: Sequence[float]
    look: Look
    x: float | None = None

    @property
    def mean(self) -> float:
        """NaN without values."""
        return float(np.mean(self.values)) if len(self.values) else math.nan


def contestants_figure(columns: Sequence[Column], title: str, guessed: str = "", remark: str = "") -> Figure:
    """A row for each contestant: a dot for each seed and a line at their mean, or a bar from zero where there is one value.

    guessed: label of the contestant that was guessed, which gets a star · remark: the guess where it is no contestant
    """
    rows = list(reversed(columns))  # the first one on top
    traces: list[Trace] = []
    if all(len(column.values) <= 1 for column in rows):
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [column.mean for column in rows],
                "y": [label(column.label) for column in rows],
                "marker": {
                    "color": [pale(column.look.colour, 0.75) for column in rows],
                    "pattern": {"shape": [column.look.pattern for column in rows]},
                },
                "width": 0.5,
                "showlegend": False,
                "hovertemplate": "%{x:,.4~r}<extra>%{y}</extra>",
            }
        )
    else:
        for place, column in enumerate(rows):
            traces += _dots_and_mean(column, place)
    texts = [
        f"{'★ ' if column.label == guessed else ''}{lines(label(column.label), ROW_CHARACTERS)}" for column in rows
    ]
    fig = finish(Figure(*traces), lines(title, TITLE_CHARACTERS), "", max(LEAST_HEIGHT, 100 + ROW_HEIGHT * len(rows)))
    if traces and traces[0]["type"] == "bar":
        fig.update_yaxes(tickmode="array", tickvals=list(range(len(rows))), ticktext=texts)
        fig.update_xaxes(rangemode="tozero")
    else:
        fig.update_yaxes(
            tickmode="array", tickvals=list(range(len(rows))), ticktext=texts, range=[-0.6, len(rows) - 0.4]
        )
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_yaxes(showgrid=False)
    # From the right: at the left, beside the names, a phone has no room for a sentence.
    fig.add_annotation(
        text=f"★ {YOURS}" if guessed else lines(label(remark, 100), REMARK_CHARACTERS), x=1, y=1, xref="paper", yref="paper",
        xanchor="right", yanchor="bottom", align="right", showarrow=False, font={"size": 11},
    )  # fmt: skip
    fig.update_layout(margin={"t": 44})
    return fig


def _dots_and_mean(column: Column, place: int) -> list[Trace]:
    n = len(column.values)
    dots = scatter(
        x=list(column.values),
        y=list(place + _spread(n)),
        mode="markers",
        marker=marker(column.look, 9, opacity=0.8),
        showlegend=False,
        hovertemplate=f"%{{x:,.4~r}}, one seed<extra>{label(column.label, 24)}</extra>",
    )
    mean = scatter(
        x=[column.mean] * 2,
        y=[place - 0.3, place + 0.3],
        mode="lines",
        line={"color": column.look.colour, "width": 3},
        showlegend=False,
        hovertemplate=f"%{{x:,.4~r}}, mean of {n}<extra>{label(column.label, 24)}</extra>",
    )
    return [dots, mean]


def number_figure(
    column: Column | None, title: str, guess: float, truth: float, close: tuple[float, float], log: bool = False
) -> Figure:
    """A row each for the guess, for what came out, and for the numbers between which a guess is close, which are also shaded.

    column: whose seeds are drawn where the truth is their mean; None where it is a difference or a ratio
    """
    within = [guess, truth, *close, *(column.values if column else ())]
    colour, symbol = (column.look.colour, column.look.symbol) if column else (GREY, "diamond")
    traces = [
        scatter(
            x=[guess], y=[2], mode="markers", cliponaxis=False, hovertemplate=f"%{{x:,.4~r}}<extra>{YOURS}</extra>",
            marker={"symbol": "x-open", "size": 15, "color": GREY, "line": {"width": 3}},
        ),
        *(_dots_and_mean(column, 1) if column else ()),
        scatter(
            x=[truth], y=[1], mode="markers", cliponaxis=False, hovertemplate="%{x:,.4~r}<extra>came out</extra>",
            marker={"symbol": symbol, "size": 15, "color": colour},
        ),
        scatter(
            x=list(close), y=[0, 0], mode="lines", cliponaxis=False, hovertemplate="%{x:,.4~r}<extra>close</extra>",
            line={"color": GREY, "width": 6},
        ),
    ]  # fmt: skip
    fig = finish(Figure(*traces), lines(title, TITLE_CHARACTERS), "", LEAST_HEIGHT)
    fig.add_shape(
        type="rect", x0=close[0], x1=close[1], y0=0, y1=1, yref="paper", fillcolor=pale(GREY, 0.15), line={"width": 0},
        layer="below",
    )  # fmt: skip
    fig.update_layout(hovermode="closest", showlegend=False)
    rows = (
        f"close: {number_text(close[0])} to {number_text(close[1])}", f"came out: {number_text(truth)}",
        f"{YOURS}: {number_text(guess)}",
    )  # fmt: skip
    texts = [lines(row, ROW_CHARACTERS) for row in rows]
    fig.update_yaxes(tickmode="array", tickvals=[0, 1, 2], ticktext=texts, showgrid=False, range=[-0.6, 2.6])
    fig.update_xaxes(number_axis(within, log))
    return fig


def order_figure(guessed: Sequence[str], came_out: Sequence[str], looks: Sequence[Look]) -> Figure:
    """Two columns of names, best on top, with a line from where each was guessed to where it stands. looks: of ``came_out``"""
    n = len(came_out)
    traces = []
    for place, (name, look) in enumerate(zip(came_out, looks, strict=True), 1):
        before = list(guessed).index(name) + 1
        before_text, after_text = (f"{number}. {lines(label(name), ORDER_CHARACTERS)}" for number in (before, place))
        texts = [before_text.replace("<br>", f"{GAP}<br>") + GAP, GAP + after_text.replace("<br>", f"<br>{GAP}")]
        traces.append(
            scatter(
                x=[0, 1],
                y=[n + 1 - before, n + 1 - place],
                mode="lines+markers+text",
                line={"color": look.colour, "width": 2},
                marker=marker(look, 10),
                text=texts,
                textposition=["middle left", "middle right"],
                textfont={"size": 13},
                showlegend=False,
                hoverinfo="skip",
                cliponaxis=False,
            )
        )
    fig = finish(Figure(*traces), "", "", max(LEAST_HEIGHT, 90 + ROW_HEIGHT * n))
    fig.update_layout(hovermode="closest", showlegend=False)
    columns = {"tickmode": "array", "tickvals": [0, 1], "ticktext": [YOURS, "came out"], "side": "top"}
    fig.update_xaxes({**columns, "range": [-1.7, 2.7], "showgrid": False})
    fig.update_yaxes(showticklabels=False, showgrid=False, range=[0.4, n + 0.6])
    return fig


def curve_figure(
    columns: Sequence[Column],
    guess: Sequence[float],
    x_title: str,
    y_title: str,
    log: bool = False,
    *,
    is_exact: bool = False,
) -> Figure:
    """The guessed curve dashed, the means solid, a dot for each seed; a contestant that diverged leaves a hole.

    is_exact: whether it was counted, so that there are no seeds and no mean
    """
    at, name, of_dot = places(columns), came_out_name(is_exact=is_exact), "counted" if is_exact else "one seed"
    traces = [
        scatter(
            x=at,
            y=list(guess),
            mode="lines+markers",
            name=YOURS,
            line={"color": GREY, "width": 2, "dash": "dash"},
            marker={"symbol": "x-open", "size": 9, "color": GREY},
            hovertemplate="%{y:,.4~r}, guess<extra></extra>",
        ),
        scatter(
            x=at,
            y=[column.mean for column in columns],
            mode="lines",
            name=name,
            connectgaps=False,
            line={"color": columns[0].look.colour, "width": 2.5},
            hovertemplate=f"%{{y:,.4~r}}, {name}<extra></extra>",
        ),
    ]
    for column, place in zip(columns, at, strict=True):
        traces.append(
            scatter(
                x=[place] * len(column.values),
                y=list(column.values),
                mode="markers",
                marker=marker(column.look, 8, opacity=0.8),
                showlegend=False,
                hovertemplate=f"%{{y:,.4~r}}, {of_dot}<extra>{label(column.label, 24)}</extra>",
            )
        )
    fig = finish(Figure(*traces), lines(x_title, TITLE_CHARACTERS), lines(y_title, TITLE_CHARACTERS))
    fig.update_xaxes(curve_axis(columns))
    fig.update_yaxes(number_axis([*guess, *(value for column in columns for value in column.values)], log))
    return fig


def band_figure(column: Column, guess: tuple[float, float], y_title: str, log: bool = False) -> Figure:
    """The guessed band as a rectangle with a dashed border, and where the seeds came out as dots."""
    n = len(column.values)
    traces = [
        scatter(
            x=list(1 + np.arange(n)),
            y=list(column.values),
            mode="markers",
            marker=marker(column.look, 11),
            name=label(column.label),
            hovertemplate="%{y:,.4~r}, seed %{x}<extra></extra>",
        )
    ]
    fig = finish(Figure(*traces), f"Seed (1 to {n})", lines(y_title, TITLE_CHARACTERS))
    add_band(fig, guess)
    fig.update_layout(hovermode="closest", showlegend=False)
    fig.update_xaxes(range=[0.5, n + 0.5], nticks=n + 1, tickformat=",d")
    fig.update_yaxes(number_axis([*guess, *column.values], log))
    note(fig, f"Rectangle: {YOURS}, {number_text(guess[0])} to {number_text(guess[1])}")
    return fig


def came_out_name(*, is_exact: bool) -> str:
    """Of the line of what came out, in a legend."""
    return "counted" if is_exact else "came out (mean)"


def lines(text: str, characters: int) -> str:
    """A text on as many lines as it takes."""
    return "<br>".join(textwrap.wrap(text, characters, break_long_words=False))


def places(columns: Sequence[Column]) -> list[float]:
    """Where contestants stand below a curve: at their x, else side by side."""
    return [float(place if column.x is None else column.x) for place, column in enumerate(columns)]


def add_band(fig: Figure, band: tuple[float, float]) -> None:
    """A guessed band, below everything else."""
    fig.add_shape(
        type="rect",
        xref="paper",
        x0=0,
        x1=1,
        y0=band[0],
        y1=band[1],
        fillcolor=pale(GREY, 0.25),
        layer="below",
        line={"color": GREY, "width": 2, "dash": "dash"},
    )


def curve_axis(columns: Sequence[Column]) -> dict[str, Any]:
    """Every contestant's place is labelled; on a log axis where they lie far apart."""
    at = places(columns)
    is_log = at[0] > 0 and at[-1] / at[0] > LOG_X_FACTOR
    labels = {
        "tickmode": "array",
        "tickvals": at,
        "ticktext": [label(column.label).replace(" ", "<br>") for column in columns],
    }
    return {"type": "log" if is_log else "linear", **labels}


def number_axis(values: Sequence[float], log: bool) -> dict[str, Any]:
    """From the lowest to the highest with some room."""
    low, high = min(values), max(values)
    if log:
        low, high = min(value for value in values if value > 0), max(high, low)
        room = (math.log10(high / low) or 1) * MARGIN
        return {**log_axis((low, high)), "range": [math.log10(low) - room, math.log10(high) + room]}
    room = (high - low or 1) * MARGIN
    return {"range": [low - room, high + room]}


def _spread(n: int) -> np.ndarray:
    """Heights (n,) that keep dots of one row from covering each other."""
    return np.linspace(-0.18, 0.18, n) if n > 1 else np.zeros(n)
