"""How long the gradient is while a network learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.charts.axis import X_TITLES, X, say_left_out, set_x, x_values
from core.charts.curves import POINTS_PER_LINE, Line
from core.charts.figure import Figure, scatter
from core.charts.theme import empty, finish, label, listed, log_axis
from core.charts.thinning import thin

Y_TITLE = "Gradient norm (log)"
HEIGHT = 240


def gradients_figure(series: Sequence[Line], *, x: X = "epoch") -> Figure:
    """Length of the gradient over all weights inside the epochs, on a log axis: tiny is stuck, growing is about to diverge.

    Takes the lines that ``curves_figure`` takes; where a line is smoothed, the measured points stay below it, pale.
    """
    begun = [line for line in series if line.history["grad_norm"].notna().any()]
    left_out = [line.name for line in begun if np.isnan(x_values(line.history, x, line.multiply_adds)).all()]
    drawn = [line for line in begun if np.isfinite(x_values(line.history, x, line.multiply_adds)).any()]
    if not drawn:
        fig = empty("Nothing to draw on this axis" if begun else "No gradients yet", X_TITLES[x], Y_TITLE, HEIGHT)
        say_left_out(fig, x, left_out)
        return fig
    norms = np.concatenate([line.history["grad_norm"].to_numpy(np.float64) for line in drawn])
    if not (norms > 0).any():
        return empty("Every gradient is zero: nothing is learned", X_TITLES[x], Y_TITLE, HEIGHT)
    fig = Figure()
    for number, line in enumerate(drawn):
        for history in (line.history, line.smoothed):
            if history is None:
                continue
            points = history[~history["whole_epoch"]]
            places, heights = x_values(points, x, line.multiply_adds), points["grad_norm"].to_numpy(np.float64)
            kept = thin(places, heights, POINTS_PER_LINE)
            below = line.smoothed is not None and history is line.history
            words = "smoothed" if history is line.smoothed else "gradient norm"
            fig.add_trace(
                scatter(
                    x=places[kept], y=heights[kept], name=label(line.name), legendgroup=f"run {number}",
                    cliponaxis=False, mode="lines" if len(points) > 1 else "markers", showlegend=not below,
                    line={"color": line.look.colour, "width": 1 if below else 1.5}, opacity=0.45 if below else 1,
                    marker={"color": line.look.colour, "size": 6}, hoverinfo="skip" if below else None,
                    hovertemplate=None if below else f"%{{y:.4~g}}, {words}<extra>{label(line.name, 24)}</extra>",
                )
            )  # fmt: skip
    finish(fig, X_TITLES[x], Y_TITLE, HEIGHT + 22 * max(0, (len(drawn) - 3) // 2))
    set_x(fig, x, max(float(line.history["epoch"].max()) for line in drawn))
    fig.update_yaxes(log_axis((norms[norms > 0].min(), norms[norms > 0].max())))
    say_left_out(fig, x, left_out)
    return fig


def describe_gradients(series: Sequence[Line]) -> str:
    """One sentence: from where to where each run's gradient norm goes, in the order given (five at most)."""
    texts = []
    for line in series:
        norms = line.history["grad_norm"].dropna().to_numpy(np.float64)
        if len(norms):
            texts.append(
                f"{line.name} {norms[0]:.3g} at first, {norms[-1]:.3g} at last, between {norms.min():.3g} and {norms.max():.3g}"
            )
    return f"Gradient norm while learning: {listed(texts)}." if texts else "Gradient norm: nothing measured yet."
