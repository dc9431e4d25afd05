"""How much better a network does on the images it learned from than on those it did not: the generalisation gap by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.charts.axis import X_TITLES, Floats, X, hover_format, say_left_out, set_x, x_values
from core.charts.curves import POINTS_PER_LINE, SHAPES_PER_LINE, Line
from core.charts.figure import Figure, extent_of, scatter
from core.charts.looks import marker
from core.charts.parts import Part, described, joined, left_out, widest
from core.charts.theme import GREY, empty, finish
from core.charts.thinning import thin
from core.charts.words import after_epoch

Y_TITLE = "Loss gap (nats per image)"
HEIGHT = 300
WHILE_LEARNING = " (measured while learning)"


def gap_figure(series: Sequence[Line], *, x: X = "epoch") -> Figure:
    """Validation minus training loss after each epoch that has both.

    Above zero the network does better on what it has seen. Both are of the network as it stood after the epoch; a run of an
    earlier version knows its training images only as it read them while learning, with dropout and augmentation on, so its
    gap is too low, and its name says so.
    Takes the lines that ``curves_figure`` takes; ``smoothed`` plays no part.
    """
    parts, names = [gap_part(line, x=x) for line in series], [line.name for line in series]
    return joined(parts, names, gap_frame(parts, names, x=x))


def gap_part(line: Line, *, x: X = "epoch") -> Part:
    """What one run adds to ``gap_figure``; its name plays no part."""
    history, suffix = line.history, "" if _training_split(line.history) == "sample" else WHILE_LEARNING
    rows, heights = _gap(history)
    if not rows.size:
        return Part(suffix=suffix)
    epochs = history["epoch"].to_numpy(np.float64)[rows]
    rank, words = _words(epochs, heights)
    places = x_values(history, x, line.multiply_adds)[rows]
    if np.isnan(places).all():
        return Part(suffix=suffix, begun=True, rank=rank, words=words)
    _, digits, unit = hover_format("loss")
    kept = thin(places, heights, POINTS_PER_LINE)
    trace = scatter(
        x=places[kept], y=heights[kept], cliponaxis=False, mode="lines+markers", line={"color": line.look.colour, "width": 2},
        marker=marker(line.look, 6, maxdisplayed=0 if len(rows) <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
        hovertemplate=f"%{{y:+{digits}}} {unit}",
    )  # fmt: skip
    return Part(
        (trace,), suffix, begun=True, drawn=True, x=extent_of([trace], "x"), last_epoch=float(epochs.max()),
        rank=rank, words=words,
    )  # fmt: skip


def gap_frame(parts: Sequence[Part], names: Sequence[str], *, x: X = "epoch") -> Figure:
    """All of ``gap_figure`` but the runs' own lines."""
    drawn = [part for part in parts if part.drawn]
    if not drawn:
        begun = any(part.begun for part in parts)
        sentence = "Nothing to draw on this axis" if begun else "No epoch with training and validation figures yet"
        fig = empty(sentence, X_TITLES[x], Y_TITLE, HEIGHT)
        say_left_out(fig, x, left_out(parts, names))
        return fig
    fig = finish(Figure(), X_TITLES[x], Y_TITLE, HEIGHT + 22 * max(0, (len(drawn) - 3) // 2))
    set_x(fig, x, max(part.last_epoch for part in drawn), widest(part.x for part in drawn))
    fig.update_layout(showlegend=True)
    fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=0, y1=0, line={"color": GREY, "width": 1.5})
    fig.add_trace(
        scatter(
            x=[None], y=[None], mode="lines", line={"color": GREY, "width": 1.5}, name="above: better on training images",
            hoverinfo="skip",
        )
    )  # fmt: skip
    say_left_out(fig, x, left_out(parts, names))
    return fig


def describe_gap(series: Sequence[Line]) -> str:
    """One sentence: each run's gap after its last epoch, the widest first (five at most)."""
    return gap_sentence([gap_part(line) for line in series], [line.name for line in series])


def gap_sentence(parts: Sequence[Part], names: Sequence[str]) -> str:
    """The same of runs of which only the parts are at hand."""
    texts = described(parts, names)
    if not texts:
        return "Generalisation gap: no epoch with training and validation figures yet."
    return f"Generalisation gap (validation minus training loss): {texts}."


def _words(epochs: Floats, gaps: Floats) -> tuple[float, str]:
    """The gap after the last epoch: its place among others, and in words; "" before there is one. Both (E,)."""
    last = np.flatnonzero(~np.isnan(gaps))[-1:]
    if not last.size:
        return 0.0, ""
    _, digits, unit = hover_format("loss")
    value = float(gaps[last[0]])
    return -value, f"{value:+{digits}} {unit} {after_epoch(float(epochs[last[0]]))}"


def _training_split(history: pd.DataFrame) -> str:
    """Whose figures compare with validation: those of the sample, where a run has them."""
    return "sample" if (history["split"] == "sample").any() else "train"


def _gap(history: pd.DataFrame) -> tuple[NDArray[np.int64], Floats]:
    """The rows of the epochs that have figures of both splits, (E,), and their gaps, (E,)."""
    ends, steps = history["whole_epoch"].to_numpy(bool), history["step"].to_numpy(np.int64)
    losses = history["loss"].to_numpy(np.float64)
    train, val = (
        np.flatnonzero(ends & (history["split"] == split).to_numpy(bool)) for split in (_training_split(history), "val")
    )
    _, of_val, of_train = np.intersect1d(steps[val], steps[train], assume_unique=True, return_indices=True)
    rows = val[of_val]
    return rows, losses[rows] - losses[train[of_train]]
