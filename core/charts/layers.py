"""How long the gradient of each layer is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.figure import Figure, bar
from core.charts.theme import empty, finish, listed, note, number_text, round_numbers

X_TITLE, Y_TITLE = "Length of the gradient (log)", "Layer (number)"
SIDE_PIXELS, BAR_PIXELS = 100, 17  # above and below the bars, and of each
MAX_LABELS = 16  # of layers up to which each has its number
MAX_TICKS = 4  # along the lengths: two cards side by side are narrow
MIN_SHARE_OF_DECADE = 0.25  # by which even the shortest bar is seen


def layer_gradients(names: Sequence[str], norms: NDArray[np.float64], colour: str) -> go.Figure:
    """A bar for each layer, the first one on top, on a log axis; what is zero or no number is named above.

    names (L,): such as "dense, ReLU" · norms (L,): length of the gradient of each · colour: of the run
    """
    height = SIDE_PIXELS + BAR_PIXELS * max(4, len(names))
    is_drawn = np.isfinite(norms) & (norms > 0)
    if not is_drawn.any():
        return empty("No layer has a gradient", X_TITLE, Y_TITLE, height).built()
    numbers = np.arange(1, len(names) + 1)
    fig = Figure(
        bar(
            x=norms[is_drawn], y=numbers[is_drawn], orientation="h", marker={"color": colour}, showlegend=False,
            customdata=[[name, number_text(norm)] for name, norm, drawn in zip(names, norms, is_drawn, strict=True) if drawn],
            hovertemplate="layer %{y}, %{customdata[0]}: %{customdata[1]}<extra></extra>",
        )
    )  # fmt: skip
    finish(fig, X_TITLE, Y_TITLE, height)
    low, high = float(norms[is_drawn].min()), float(norms[is_drawn].max())
    fig.update_layout(bargap=0.3, hovermode="closest")
    ticks = round_numbers(low, high)
    ticks = ticks[:: -(-len(ticks) // MAX_TICKS)]
    fig.update_xaxes(
        type="log", tickvals=ticks, ticktext=[number_text(tick) for tick in ticks], tickangle=0,
        range=[np.log10(low) - MIN_SHARE_OF_DECADE, np.log10(high) + 0.05],
    )  # fmt: skip
    fig.update_yaxes(
        range=[len(names) + 0.6, 0.4], showgrid=False, dtick=1 if len(names) <= MAX_LABELS else 5, tick0=1,
    )  # fmt: skip
    if not is_drawn.all():
        note(fig, f"Without a gradient: {_numbered(numbers[~is_drawn])}")
    return fig.built()


def describe_layer_gradients(names: Sequence[str], norms: NDArray[np.float64]) -> str:
    """One sentence: the layers with the longest and the shortest gradient, and those that have none."""
    drawn = np.flatnonzero(np.isfinite(norms) & (norms > 0))
    if not len(drawn):
        return "No layer has a gradient."
    longest, shortest = int(drawn[norms[drawn].argmax()]), int(drawn[norms[drawn].argmin()])
    without = np.setdiff1d(np.arange(len(names)), drawn) + 1
    more = f" Without a gradient: {_numbered(without)}." if len(without) else ""
    return (
        f"Length of the gradient of {len(names)} layers: longest {number_text(norms[longest])} in layer {longest + 1} "
        f"({names[longest]}), shortest {number_text(norms[shortest])} in layer {shortest + 1} ({names[shortest]}).{more}"
    )


def _numbered(numbers: NDArray[np.int64]) -> str:
    return listed([f"layer {number}" for number in numbers])
