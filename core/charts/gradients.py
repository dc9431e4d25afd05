"""How long the gradient is while a network learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.charts.axis import X_TITLES, X, say_left_out, set_x, x_values
from core.charts.curves import POINTS_PER_LINE, Line
from core.charts.figure import Figure, Trace, extent_of, scatter
from core.charts.parts import Part, described, joined, left_out, widest
from core.charts.theme import empty, finish, log_axis
from core.charts.thinning import thin

Y_TITLE = "Gradient norm (log)"
HEIGHT = 240


def gradients_figure(series: Sequence[Line], *, x: X = "epoch") -> Figure:
    """Length of the gradient over all weights inside the epochs, on a log axis: tiny is stuck, growing is about to diverge.

    Takes the lines that ``curves_figure`` takes; where a line is smoothed, the measured points stay below it, pale.
    """
    parts, names = [gradient_part(line, x=x) for line in series], [line.name for line in series]
    return joined(parts, names, gradients_frame(parts, names, x=x))


def gradient_part(line: Line, *, x: X = "epoch") -> Part:
    """What one run adds to ``gradients_figure``; its name plays no part."""
    norms = line.history["grad_norm"].to_numpy(np.float64)
    words = _words(norms[~np.isnan(norms)])
    if not words or not np.isfinite(x_values(line.history, x, line.multiply_adds)).any():
        return Part(begun=bool(words), words=words)
    traces: list[Trace] = []
    for history in (line.history, line.smoothed):
        if history is None:
            continue
        inside = ~history["whole_epoch"].to_numpy(bool)
        places = x_values(history, x, line.multiply_adds)[inside]
        heights = history["grad_norm"].to_numpy(np.float64)[inside]
        kept = thin(places, heights, POINTS_PER_LINE)
        below = line.smoothed is not None and history is line.history
        hover = "smoothed" if history is line.smoothed else "gradient norm"
        traces.append(
            scatter(
                x=places[kept], y=heights[kept], cliponaxis=False, mode="lines" if len(heights) > 1 else "markers",
                showlegend=not below, line={"color": line.look.colour, "width": 1 if below else 1.5},
                opacity=0.45 if below else 1, marker={"color": line.look.colour, "size": 6},
                hoverinfo="skip" if below else None, hovertemplate=None if below else f"%{{y:.4~g}}, {hover}",
            )
        )  # fmt: skip
    above_zero = norms[norms > 0]
    y = (float(above_zero.min()), float(above_zero.max())) if above_zero.size else None
    return Part(
        tuple(traces), begun=True, drawn=True, x=extent_of(traces, "x"), y=y, last_epoch=float(line.history["epoch"].max()),
        words=words,
    )  # fmt: skip


def gradients_frame(parts: Sequence[Part], names: Sequence[str], *, x: X = "epoch") -> Figure:
    """All of ``gradients_figure`` but the runs' own lines."""
    drawn = [part for part in parts if part.drawn]
    if not drawn:
        begun = any(part.begun for part in parts)
        fig = empty("Nothing to draw on this axis" if begun else "No gradients yet", X_TITLES[x], Y_TITLE, HEIGHT)
        say_left_out(fig, x, left_out(parts, names))
        return fig
    extent = widest(part.y for part in drawn)
    if not extent:
        return empty("Every gradient is zero: nothing is learned", X_TITLES[x], Y_TITLE, HEIGHT)
    fig = finish(Figure(), X_TITLES[x], Y_TITLE, HEIGHT + 22 * max(0, (len(drawn) - 3) // 2))
    set_x(fig, x, max(part.last_epoch for part in drawn), widest(part.x for part in drawn))
    fig.update_yaxes(log_axis(extent))
    say_left_out(fig, x, left_out(parts, names))
    return fig


def describe_gradients(series: Sequence[Line]) -> str:
    """One sentence: from where to where each run's gradient norm goes, in the order given (five at most)."""
    return gradients_sentence([gradient_part(line) for line in series], [line.name for line in series])


def gradients_sentence(parts: Sequence[Part], names: Sequence[str]) -> str:
    """The same of runs of which only the parts are at hand."""
    texts = described(parts, names, by_rank=False)
    return f"Gradient norm while learning: {texts}." if texts else "Gradient norm: nothing measured yet."


def _words(norms: np.ndarray) -> str:
    """From where to where measured norms (n,) go; "" for none."""
    if not len(norms):
        return ""
    return f"{norms[0]:.3g} at first, {norms[-1]:.3g} at last, between {norms.min():.3g} and {norms.max():.3g}"
