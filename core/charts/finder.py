"""The learning-rate test: the loss while the learning rate rises from far too small to far too large."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.distribution import COLOUR
from core.charts.figure import Figure, scatter
from core.charts.theme import GREY, WRONG, empty, finish, log_axis, number_text

X_TITLE, Y_TITLE = "Learning rate (log)", "Training loss (nats per image)"
HEIGHT = 340


def finder_chart(points: pd.DataFrame, suggested: float | None = None) -> go.Figure:
    """Loss of each batch pale, smoothed on top, the suggestion as a vertical line with its value in words.

    points: columns lr (rising), loss, smoothed (nats per image; what is no number is a hole)
    The height of the plot follows the smoothed line: single batches may leave it at the end, where training falls apart.
    """
    if points.empty:
        return empty("No points yet", X_TITLE, Y_TITLE, HEIGHT).built()
    table = points.astype(np.float64).replace([np.inf, -np.inf], np.nan)
    fig = Figure()
    fig.add_trace(
        scatter(
            x=table["lr"], y=table["loss"], mode="lines", name="each batch", line={"color": COLOUR, "width": 1}, opacity=0.5,
            hovertemplate="%{y:.4f} nats<extra>this batch</extra>",
        )
    )  # fmt: skip
    fig.add_trace(
        scatter(
            x=table["lr"], y=table["smoothed"], mode="lines" if len(table) > 1 else "markers", name="smoothed",
            line={"color": COLOUR, "width": 2.5}, hovertemplate="%{y:.4f} nats<extra>smoothed</extra>",
        )
    )  # fmt: skip
    finish(fig, X_TITLE, Y_TITLE, HEIGHT)
    first, last = float(table["lr"].iloc[0]), float(table["lr"].iloc[-1])
    fig.update_xaxes(
        log_axis((first, last)),
        unifiedhovertitle={"text": "learning rate %{x:.3~g}"},
    )
    low, high = table[["loss", "smoothed"]].min().min(), table["smoothed"].max()
    if np.isfinite([low, high]).all() and high > low:
        edge = 0.06 * (high - low)
        fig.update_yaxes(range=[low - edge, high + 2 * edge])
    if suggested is not None:
        fig.add_shape(
            type="line", x0=suggested, x1=suggested, yref="paper", y0=0, y1=1, line={"color": WRONG, "width": 2},
            label={"text": f"suggested: {number_text(suggested)}", "textangle": 0, "textposition": "end",
                   "xanchor": "right" if suggested**2 > first * last else "left",
                   "yanchor": "bottom", "font": {"size": 13, "color": GREY}},
        )  # fmt: skip
    return fig.built()


def describe_finder(points: pd.DataFrame, suggested: float | None = None) -> str:
    """One sentence: where the smoothed loss is lowest, how far the test went, and the suggestion."""
    table = points[np.isfinite(points["smoothed"].astype(np.float64))]
    if table.empty:
        return "Learning-rate test without a point yet."
    lowest = table.iloc[int(table["smoothed"].to_numpy(np.float64).argmin())]
    suggestion = "no suggestion" if suggested is None else f"suggested is {number_text(suggested)}"
    return (
        f"Learning rates from {number_text(points['lr'].iloc[0])} to {number_text(points['lr'].iloc[-1])}: "
        f"the smoothed training loss is lowest, {lowest['smoothed']:.4f} nats, at {number_text(lowest['lr'])}; {suggestion}."
    )
