"""When digits are learned: the share read correctly at least once by each epoch, and how often they are forgotten again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.axis import X_TITLES, set_x
from core.charts.curves import POINTS_PER_LINE, SHAPES_PER_LINE
from core.charts.figure import Figure, bar, scatter
from core.charts.looks import Look, marker
from core.charts.theme import empty, finish, in_percent, label, listed
from core.charts.thinning import thin

SHARE_TITLE = "Learned so far (% of validation images)"
TIMES_TITLE, IMAGES_TITLE = "Times forgotten (right, then wrong)", "Validation images (%)"
TIMES = ("0", "1", "2", "3+", "never<br>learned")
HEIGHT = 320


@dataclass(frozen=True, eq=False, slots=True)
class LearnedRun:
    """One run on the chart.

    name: any text
    epochs (E,): when validation was judged, ascending · images: one row per validation image, with columns first (epoch of
    the first right answer, NaN never) and forgotten (times), as ``core.analysis.forgetting.when_learned`` returns it
    """

    name: str
    look: Look
    epochs: NDArray[np.float64]
    images: pd.DataFrame


def learned_curves(series: Sequence[LearnedRun]) -> go.Figure:
    """By each epoch the share of validation images that were read correctly once or more; it can only rise."""
    drawn = [run for run in series if len(run.epochs) and not run.images.empty]
    if not drawn:
        return empty("No epoch judged yet", X_TITLES["epoch"], SHARE_TITLE).built()
    fig = Figure()
    for number, run in enumerate(drawn):
        shares = 100 * _shares(run)
        epochs = np.asarray(run.epochs, np.float64)
        kept = thin(epochs, shares, POINTS_PER_LINE)
        fig.add_trace(
            scatter(
                x=epochs[kept], y=shares[kept], mode="lines+markers",
                legendgroup=f"run {number}", name=label(run.name), cliponaxis=False,
                line={"color": run.look.colour, "width": 2},
                marker=marker(run.look, 6, maxdisplayed=0 if len(epochs) <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
                hovertemplate=f"%{{y:.2f}} % of {len(run.images):,} images<extra>{label(run.name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, X_TITLES["epoch"], SHARE_TITLE, 380 + 22 * max(0, (len(drawn) - 3) // 2))
    fig.update_layout(showlegend=True)
    set_x(fig, "epoch", max(float(run.epochs[-1]) for run in drawn), fig.extent("x"))
    return fig.built()


def forgetting_bars(series: Sequence[LearnedRun]) -> go.Figure:
    """How many of the images were never, once, twice or more often forgotten, and how many never learned; adds up to 100 %.

    An image that was never read correctly has nothing to forget, so it stands apart from those that were never forgotten.
    """
    drawn = [run for run in series if len(run.epochs) and not run.images.empty]
    if not drawn:
        return empty("No epoch judged yet", TIMES_TITLE, IMAGES_TITLE, HEIGHT).built()
    fig = Figure()
    for number, run in enumerate(drawn):
        counts = _counts(run.images)
        fig.add_trace(
            bar(
                x=list(TIMES), y=100 * counts / counts.sum(), customdata=counts,
                legendgroup=f"run {number}", name=label(run.name),
                marker={"color": run.look.colour, "line": {"color": run.look.colour, "width": 1},
                        "pattern": {"shape": run.look.pattern, "fillmode": "replace", "size": 6}},
                hovertemplate=f"%{{customdata:,d}} images (%{{y:.2f}} %)<extra>{label(run.name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, TIMES_TITLE, IMAGES_TITLE, HEIGHT + 22 * max(0, (len(drawn) - 3) // 2))
    fig.update_layout(barmode="group", bargap=0.25, showlegend=True)
    fig.update_xaxes(type="category", showgrid=False, tickangle=0)
    fig.update_yaxes(rangemode="tozero")
    return fig.built()


def describe_learned(series: Sequence[LearnedRun]) -> str:
    """One sentence: the share learned by the first and by the last epoch of each run, in the order given (five at most)."""
    texts = []
    for run in series:
        if len(run.epochs) and not run.images.empty:
            # Epoch 0 is the untrained network: what it reads correctly is luck.
            start = min(len(run.epochs) - 1, int(np.searchsorted(run.epochs, 1)))
            shares, ends = _shares(run), (run.epochs[start], run.epochs[-1])
            steps = [f"{in_percent(shares[i])} by epoch {end:g}" for i, end in zip((start, -1), ends, strict=True)]
            texts.append(f"{run.name} {' and '.join(dict.fromkeys(steps))}")
    return f"Validation images read correctly at least once: {listed(texts)}." if texts else "No epoch judged yet."


def describe_forgetting(series: Sequence[LearnedRun]) -> str:
    """One sentence: how many images each run forgot at least once and how many it never learned (five at most)."""
    texts = []
    for run in series:
        if len(run.epochs) and not run.images.empty:
            counts = _counts(run.images)
            texts.append(
                f"{run.name} forgot {counts[1:4].sum():,} of {counts.sum():,} images at least once "
                f"and never learned {counts[4]:,}"
            )
    return f"Forgetting: {listed(texts)}." if texts else "No epoch judged yet."


def _shares(run: LearnedRun) -> NDArray[np.float64]:
    """(E,) fraction of the images first read correctly at that epoch or before."""
    first = np.sort(run.images["first"].dropna().to_numpy(np.float64))
    return np.asarray(np.searchsorted(first, np.asarray(run.epochs, np.float64), side="right") / len(run.images))


def _counts(images: pd.DataFrame) -> NDArray[np.int64]:
    """(5,) images per entry of TIMES."""
    learned = images["first"].notna().to_numpy()
    times = np.minimum(images["forgotten"].to_numpy(np.int64), 3)[learned]
    return np.array([*np.bincount(times, minlength=4), (~learned).sum()], np.int64)
