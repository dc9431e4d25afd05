"""How sure a network is about one image."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.figure import Figure
from core.charts.theme import GREY, empty, finish

X_TITLE, Y_TITLE = "Probability (%)", "Digit"
HEIGHT = 320


def probability_bars(
    probs: NDArray[np.floating], colour: str, truth: int | None = None, *, titled: bool = True
) -> go.Figure:
    """One bar per digit, the answer in the run's colour and in words above, the truth named at its bar.

    probs (10,) fractions that sum to 1 · colour: the run's · truth: the label, when there is one
    titled: False where those words stand elsewhere
    """
    if not np.isfinite(probs).all():
        return empty("No answer: this network's weights are not numbers", X_TITLE, Y_TITLE, HEIGHT).built()
    answer = int(np.argmax(probs))
    names = [f"<b>{digit}</b>" if digit == answer else str(digit) for digit in range(len(probs))]
    if truth is not None:
        names[truth] = f"truth {names[truth]}"
    fig = Figure(
        go.Bar(
            x=100 * probs, y=list(range(len(probs))), orientation="h", showlegend=False,
            text=[percent(float(p)) for p in probs], textposition="outside", cliponaxis=False, constraintext="none",
            textfont={"size": 12},
            marker={"color": [colour if digit == answer else GREY for digit in range(len(probs))]},
            hovertemplate="digit %{y}: %{x:.4f} %<extra></extra>",
        )
    )  # fmt: skip
    finish(fig, X_TITLE, Y_TITLE, HEIGHT)
    fig.update_layout(hovermode="closest", bargap=0.25, modebar={"remove": ["toImage"]}, margin={"t": 8, "r": 16})
    if titled:
        lines = 1 if truth is None else 2
        fig.update_layout(
            margin={"t": 12 + 20 * lines},
            title={"text": _title(probs, answer, truth), "x": 0, "xanchor": "left", "yanchor": "top",
                   "y": 1.025 - 0.04 * lines, "font": {"size": 15}},
        )  # fmt: skip
    fig.update_xaxes(range=[0, 150], tickvals=[0, 50, 100], fixedrange=True)
    fig.update_yaxes(
        tickvals=list(range(len(probs))), ticktext=names, autorange="reversed", showgrid=False, fixedrange=True
    )
    return fig.built()


def describe_probabilities(probs: NDArray[np.floating], truth: int | None = None) -> str:
    """One sentence: the answer, how sure it is, and the runner-up."""
    if not np.isfinite(probs).all():
        return "No answer: this network's weights are not numbers."
    first, second = (int(digit) for digit in np.argsort(-probs, kind="stable")[:2])
    end = "" if truth is None else f"; the truth is {truth}"
    return (
        f"The network reads {first} with {percent(float(probs[first]), inert=False)}, then {second} with "
        f"{percent(float(probs[second]), inert=False)}{end}."
    )


def percent(fraction: float, inert: bool = True) -> str:
    """A probability with one decimal; what would round to 0 or 100 without being it keeps its sign of doubt."""
    less = "&lt;" if inert else "<"
    more = "&gt;" if inert else ">"
    if 0 < fraction < 0.001:
        return f"{less}0.1 %"
    if 0.999 < fraction < 1:
        return f"{more}99.9 %"
    return f"{100 * fraction:.1f} %"


def _title(probs: NDArray[np.floating], answer: int, truth: int | None) -> str:
    verdict = "" if truth is None else ("<br>✓ right" if truth == answer else f"<br>✗ wrong, it is {truth}")
    return f"Reads {answer}, {percent(float(probs[answer]))} sure{verdict}"
