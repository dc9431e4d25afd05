"""How much better a network does on the images it learned from than on those it did not: the generalisation gap by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.charts.axis import X_TITLES, X, hover_format, say_left_out, set_x, x_values
from core.charts.curves import POINTS_PER_LINE, SHAPES_PER_LINE, Line
from core.charts.figure import Figure, scatter
from core.charts.looks import marker
from core.charts.theme import GREY, empty, finish, label, listed
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
    gaps = [(number, line, _gap(line.history)) for number, line in enumerate(series)]
    gaps = [(number, line, gap) for number, line, gap in gaps if not gap.empty]
    unknown = [np.isnan(x_values(gap, x, line.multiply_adds)).all() for _, line, gap in gaps]
    left_out = [line.name for (_, line, _), out in zip(gaps, unknown, strict=True) if out]
    drawn = [entry for entry, out in zip(gaps, unknown, strict=True) if not out]
    if not drawn:
        sentence = "Nothing to draw on this axis" if gaps else "No epoch with training and validation figures yet"
        fig = empty(sentence, X_TITLES[x], Y_TITLE, HEIGHT)
        say_left_out(fig, x, left_out)
        return fig
    _, digits, unit = hover_format("loss")
    fig = Figure()
    for number, line, gap in drawn:
        heights = gap["gap"].to_numpy(np.float64)
        places = x_values(gap, x, line.multiply_adds)
        kept = thin(places, heights, POINTS_PER_LINE)
        fig.add_trace(
            scatter(
                x=places[kept], y=heights[kept], name=label(line.name) + _measured(line), cliponaxis=False,
                mode="lines+markers",
                legendgroup=f"run {number}",
                line={"color": line.look.colour, "width": 2},
                marker=marker(line.look, 6, maxdisplayed=0 if len(gap) <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
                hovertemplate=f"%{{y:+{digits}}} {unit}<extra>{label(line.name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, X_TITLES[x], Y_TITLE, HEIGHT + 22 * max(0, (len(drawn) - 3) // 2))
    set_x(fig, x, max(float(gap["epoch"].max()) for _, _, gap in drawn))
    fig.update_layout(showlegend=True)
    fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=0, y1=0, line={"color": GREY, "width": 1.5})
    fig.add_trace(
        scatter(
            x=[None], y=[None], mode="lines", line={"color": GREY, "width": 1.5}, name="above: better on training images",
            hoverinfo="skip",
        )
    )  # fmt: skip
    say_left_out(fig, x, left_out)
    return fig


def describe_gap(series: Sequence[Line]) -> str:
    """One sentence: each run's gap after its last epoch, the widest first (five at most)."""
    _, digits, unit = hover_format("loss")
    ranked: list[tuple[float, str]] = []
    for line in series:
        gap = _gap(line.history).dropna(subset="gap").tail(1)
        if not gap.empty:
            value = float(gap["gap"].iloc[0])
            name = line.name + _measured(line)
            ranked.append((-value, f"{name} {value:+{digits}} {unit} {after_epoch(gap['epoch'].iloc[0])}"))
    if not ranked:
        return "Generalisation gap: no epoch with training and validation figures yet."
    return f"Generalisation gap (validation minus training loss): {listed([text for _, text in sorted(ranked)])}."


def _measured(line: Line) -> str:
    """What the name of a run says of its gap: nothing, unless its training images were read while it was learning."""
    return "" if _training_split(line.history) == "sample" else WHILE_LEARNING


def _training_split(history: pd.DataFrame) -> str:
    """Whose figures compare with validation: those of the sample, where a run has them."""
    return "sample" if (history["split"] == "sample").any() else "train"


def _gap(history: pd.DataFrame) -> pd.DataFrame:
    """Columns epoch, step, seconds, examples, gap; one row per epoch that has figures of both splits."""
    ends = history[history["whole_epoch"]]
    train, val = (ends[ends["split"] == split].set_index("step") for split in (_training_split(history), "val"))
    both = val.join(train["loss"].rename("train"), how="inner")
    return both.assign(gap=both["loss"] - both["train"]).reset_index()[["epoch", "step", "seconds", "examples", "gap"]]
